package tui

import (
	"context"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/fairtide-dev/fairtide/internal/marks"
	"github.com/fairtide-dev/fairtide/model"
	"github.com/fairtide-dev/fairtide/tui/action"
	"github.com/fairtide-dev/fairtide/tui/change"
	"github.com/fairtide-dev/fairtide/tui/dialog"
	"github.com/fairtide-dev/fairtide/tui/draft"
	"github.com/fairtide-dev/fairtide/tui/history"
	"github.com/fairtide-dev/fairtide/tui/home"
	"github.com/fairtide-dev/fairtide/tui/problems"
	"github.com/fairtide-dev/fairtide/tui/proposed"
	"github.com/fairtide-dev/fairtide/tui/revert"
	"github.com/fairtide-dev/fairtide/tui/review"
	"github.com/fairtide-dev/fairtide/tui/rollout"
	"github.com/fairtide-dev/fairtide/tui/slot"
	"github.com/fairtide-dev/fairtide/tui/theme"
	"github.com/fairtide-dev/fairtide/tui/upgrades"
	"github.com/fairtide-dev/fairtide/tui/windows"
)

// App is the UI's only tea.Model.
type App struct {
	cfg    Config
	ctx    context.Context // ends with the program; runs have contexts under it
	cancel context.CancelFunc
	keys   *action.Registry
	theme  *theme.Theme
	w, h   int

	home     *home.Page
	review   *review.Page
	history  *history.Page
	revert   *revert.Page
	proposed *proposed.Page
	upgrades *upgrades.Page
	windows  *windows.Page
	change   *change.Page
	runs     map[string]*run // by environment: under way, or just ended
	running  sync.WaitGroup  // Backend.Apply calls that have not returned

	problems *problems.Page
	log      *problemLog // what went wrong

	at         action.Scope // the page on the screen
	from       action.Scope // where the history page was opened from
	readFrom   action.Scope // where the review page was opened from
	undoFrom   action.Scope // where the revert page was opened from
	errorsFrom action.Scope // where the problems page was opened from
	runEnv     string       // whose run the rollout page shows
	question   *question    // the dialog on the screen
	results    []*question  // what there is to tell as soon as no dialog is in the way
	writing    string       // what is being written to the forge: "opening the pull request"
	asking     *asking      // the line that is being typed in the footer's place
	help       *helpPage
	adopt      draft.Slot   // live values that are being written to Git
	behind     *review.Page // the review that an adoption was asked for on, while it is on the screen
	notice     string       // a sentence in the footer's place until the next key
	shipNext   bool         // confirm as soon as the plan is read
	leaving    bool         // quit as soon as no run is under way

	pane    *rollout.Pane                      // behind an object of a run, that is kept current; nil: none is open
	paneLog *rollout.Log                       // likewise
	records map[string]*slot.Slot[[]model.Run] // of environments whose last run was interrupted

	live *live // the watch over the plan on the review page; nil: there is none

	fetch    slot.Slot[fetched]
	offline  time.Time // since when the remote does not answer; zero: it does
	fetchGen int       // of the fetch that is due next
	clock    clock
	judged   judgement
	lastRead time.Time           // of the home page
	before   map[string][]string // what was typed in the footer's place, by label
	frame    *tea.View           // the last frame, nil when something has changed
	drawn    drawn               // where it has what hears the mouse
	mouse    mouse
	launch   launcher
}

// question is a dialog and what its confirm does.
type question struct {
	*dialog.Dialog
	confirmed func() tea.Cmd
	otherwise func() tea.Cmd // what the third button does
	run       string         // the environment whose run it asks about; empty: it is about something else
}

// New makes an App. It calls the Backend only once Bubble Tea runs its
// commands, so that the first frame waits for nothing.
func New(cfg Config) *App {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Progress == nil {
		cfg.Progress = func() string { return "" }
	}
	if cfg.Env == nil {
		cfg.Env = func(string) string { return "" }
	}
	cfg.NoColor = cfg.NoColor || cfg.Env("NO_COLOR") != ""
	cfg.ASCII = cfg.ASCII || asciiLocale(cfg.Env)
	if cfg.Marks == nil {
		cfg.Marks = marks.Open("", "", cfg.Now)
	}
	keys := registry(&cfg)
	ctx, cancel := context.WithCancel(context.Background())
	log := &problemLog{now: cfg.Now}
	cfg.Backend = reporting{cfg.Backend, log}
	a := &App{
		log: log, mouse: mouse{off: cfg.NoMouse}, launch: newLauncher(),
		cfg: cfg, ctx: ctx, cancel: cancel, keys: keys,
		theme: theme.New(theme.Options{Name: cfg.Theme, Colours: cfg.Colours, Depth: depth(cfg, colorprofile.TrueColor), ASCII: cfg.ASCII}),
		home:  home.New(cfg.Repository),
		runs:  map[string]*run{}, records: map[string]*slot.Slot[[]model.Run]{}, before: map[string][]string{},
		at: action.Home,
	}
	a.tellSettings()
	return a
}

// tellSettings says that the operator's own settings are not in effect, and
// keeps why.
func (a *App) tellSettings() {
	for i := len(a.cfg.Problems) - 1; i >= 0; i-- { // the first is to be the newest
		a.log.note("", "reading your settings", a.cfg.Problems[i])
	}
	if n := len(a.cfg.Problems); n > 0 {
		a.notice = "your settings are not in effect, " + a.keyOf(action.Problems, action.Home) + " says why: " + a.cfg.Problems[0]
	}
}

// registry is the actions with the operator's keys, or with the usual ones.
func registry(cfg *Config) *action.Registry {
	if cfg.Actions != nil {
		keys, err := action.New(cfg.Actions)
		if err == nil {
			return keys
		}
		cfg.Problems = append(cfg.Problems, err.Error())
	}
	keys, err := action.New(action.Defaults())
	if err != nil {
		panic(err) // the defaults are a constant, and a test holds them to be free of conflicts
	}
	return keys
}

// asciiLocale reports whether the locale says in so many words that the
// terminal takes ASCII only.
func asciiLocale(env func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := env(name); v != "" {
			return v == "C" || v == "POSIX"
		}
	}
	return false
}

// depth is how many colours a profile has.
func depth(cfg Config, p colorprofile.Profile) theme.Depth {
	switch {
	case cfg.NoColor || p <= colorprofile.ASCII:
		return theme.Mono
	case p == colorprofile.ANSI:
		return theme.Basic
	case p == colorprofile.ANSI256:
		return theme.Palette
	}
	return theme.TrueColor
}

// look changes the theme.
func (a *App) look(change func(*theme.Options)) {
	o := a.theme.Options
	change(&o)
	a.theme = theme.New(o)
}

// Init asks for what the first page needs.
func (a *App) Init() tea.Cmd {
	return tea.Batch(tea.RequestBackgroundColor, a.loadHome(), a.loadFetch(), a.schedule())
}

// Update routes a message. Whatever may change the screen discards the frame.
func (a *App) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	cmd, changed := a.route(msg)
	if changed {
		a.frame = nil
	}
	return a, tea.Batch(cmd, a.schedule(), a.watch(), a.inspect())
}

func (a *App) route(msg tea.Msg) (cmd tea.Cmd, changed bool) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		a.w, a.h = msg.Width, msg.Height
	case tea.BackgroundColorMsg:
		a.look(func(o *theme.Options) { o.Light = !msg.IsDark() })
	case tea.ColorProfileMsg:
		a.look(func(o *theme.Options) { o.Depth = depth(a.cfg, msg.Profile) })
	case tea.KeyPressMsg:
		return a.key(msg), true
	case tea.PasteMsg:
		switch {
		case a.question != nil:
			a.question.Paste(msg.Content, a.cfg.Now())
		case a.asking != nil:
			return a.prompted(a.asking.Paste(msg.Content)), true
		}
	case tickMsg:
		return a.tick(msg)
	case loadedMsg:
		return a.loaded(msg)
	case fetchMsg:
		return a.fetchDue(msg), false
	case slowMsg:
	case liveMsg:
		return a.observed(msg), true
	case tea.FocusMsg:
		return a.focused(), false
	case tea.ResumeMsg:
		return a.resumed(), true
	case tea.MouseMsg:
		return a.pointed(msg)
	case mouseMsg:
		return a.settle()
	case runMsg:
		return a.runTold(msg), true
	case review.Result:
		return msg.Deliver()
	case doneMsg:
		return msg.then(), true
	case wroteMsg:
		a.writing = ""
		return msg.then(), true
	default:
		return nil, a.change != nil && a.change.Update(msg)
	}
	return nil, true
}

// now is the moment for whatever is decided or drawn.
func (a *App) now() time.Time { return a.cfg.Now() }
