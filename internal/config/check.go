package config

import (
	"errors"
	"io"
	"io/fs"
	"time"

	"github.com/fairtide-dev/fairtide/internal/ical"
	"github.com/fairtide-dev/fairtide/model"
)

// Report is what there is to say about a configuration, each by line.
type Report struct {
	Problems Problems // why it cannot be used
	Warnings Problems // what is likely not meant as it is written
}

// Check reads a configuration as Parse does, and says more of it: it knows what
// time it is, and sees the files of the repository. A nil tree is not looked at.
func Check(file string, data []byte, now time.Time, tree fs.FS) (model.Config, Report) {
	d := newDecoder(file)
	c := d.read(data)
	if len(d.problems) == 0 {
		d.look(c.Environments, now)
		if tree != nil {
			d.lookIn(c.Environments, tree)
		}
	}
	return c, Report{Problems: d.problems.sorted(), Warnings: d.warnings.sorted()}
}

// lookIn reports calendars that are not there, or are none.
func (d *decoder) lookIn(environments []model.Environment, tree fs.FS) {
	for i := range environments {
		own := d.own[i]
		for _, r := range append(own[:len(own):len(own)], d.shared...) {
			if r.Source == nil || r.Source.File == "" || !r.counts(&environments[i]) {
				continue
			}
			data, err := readCalendar(tree, r.Source.File)
			if err == nil && r.Location != nil {
				err = d.calendarFile(r, data)
			}
			switch {
			case errors.Is(err, fs.ErrNotExist):
				d.warn(r.when, "%s: %s does not exist in this working tree; where it does not at the commit, the window is closed", r.what, quote(r.Source.File))
			case err != nil:
				d.at(r.when, "%s: %s cannot be read: %v", r.what, quote(r.Source.File), err)
			}
		}
	}
}

// readCalendar reads a file of the tree, and not what never ends or answers.
func readCalendar(tree fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(tree, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is no file; put the calendar there, or change the rule")
	}
	f, err := tree.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, ical.MaxBytes+1))
}

// calendarFile warns of what is odd in a calendar.
func (d *decoder) calendarFile(r *windowRule, data []byte) error {
	c, err := ical.Parse(r.Source.File, data, r.Location)
	if err != nil {
		return err
	}
	for _, p := range c.Problems() {
		d.warn(r.when, "%s: %s: %s", r.what, quote(r.Source.File), p)
	}
	if c.Events() == 0 {
		d.warn(r.when, "%s: there are no events in %s: it never counts", r.what, quote(r.Source.File))
	}
	return nil
}
