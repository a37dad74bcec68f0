package odb

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
)

// do calls f. When it fails it is called once more if the packs are no longer
// those it saw: git may have repacked, or fetched.
func (db *DB) do(f func() error) error {
	turn, err := db.once(f)
	if err == nil || errors.Is(err, ErrTooLarge) {
		return err
	}
	now, scanErr := db.rescan()
	if scanErr != nil {
		return errors.Join(err, scanErr)
	}
	if now == turn {
		return err
	}
	_, err = db.once(f)
	return err
}

// once calls f while no pack can be closed. A file that is cut off while it is
// mapped makes reading it a fault, which is an error like others here.
func (db *DB) once(f func() error) (turn uint64, err error) {
	db.mu.RLock()
	for !db.listed {
		db.mu.RUnlock()
		if _, err := db.rescan(); err != nil {
			return 0, err
		}
		db.mu.RLock()
	}
	defer db.mu.RUnlock()
	before := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(before)
		if r := recover(); r != nil {
			if _, fault := r.(interface{ Addr() uintptr }); !fault {
				panic(r)
			}
			for _, p := range db.packs {
				p.wrong.Store(true)
			}
			if db.graphs.Load() != nil {
				db.graphs.Store(new([]*graph)) // it may have been one of them
			}
			err = fmt.Errorf("a file was cut off while it was read: %w", ErrDamaged)
		}
	}()
	return db.turn, f()
}

// rescan lists the pack directories. Packs that are gone are closed, and those
// that something was wrong with are opened anew. It returns the count of
// changes.
func (db *DB) rescan() (turn uint64, err error) {
	db.scan.Lock()
	defer db.scan.Unlock()
	var names []string
	for _, dir := range db.dirs {
		more, err := packNames(filepath.Join(dir, "pack"))
		if err != nil {
			return 0, err
		}
		names = append(names, more...)
	}
	db.mu.RLock()
	same := db.listed && len(names) == len(db.packs)
	for i := 0; same && i < len(names); i++ {
		same = names[i] == db.packs[i].base && !db.packs[i].wrong.Load()
	}
	turn = db.turn
	db.mu.RUnlock()
	if same {
		return turn, nil
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.replace(names)
}

// replace makes names the packs, and keeps those that are open.
func (db *DB) replace(names []string) (turn uint64, err error) {
	had := make(map[string]*pack, len(db.packs))
	for _, p := range db.packs {
		had[p.base] = p
	}
	packs := make([]*pack, len(names))
	for i, name := range names {
		if p := had[name]; p != nil && !p.wrong.Load() {
			packs[i] = p
			delete(had, name)
			continue
		}
		db.nextID++
		packs[i] = &pack{id: db.nextID, base: name, mapped: db.mapped}
	}
	var errs []error
	for _, gone := range had {
		errs = append(errs, gone.close())
	}
	db.packs, db.listed = packs, true
	db.last.Store(nil)
	db.turn++
	return db.turn, errors.Join(errs...)
}

// packNames lists the packs of a directory that have an index, without their
// endings.
func packNames(dir string) ([]string, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		if absent(err) {
			return nil, nil
		}
		return nil, err
	}
	has := make(map[string]bool, len(files))
	for _, f := range files {
		has[f.Name()] = true
	}
	var names []string
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name(), ".idx"); ok && has[name+".pack"] {
			names = append(names, filepath.Join(dir, name))
		}
	}
	return names, nil
}
