package githubtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Options say what the server serves.
type Options struct {
	Owner, Name string // of the repository; empty: acme/shop
	// Dir is the bare repository. It is made when it does not exist; empty
	// means one that goes away with Close.
	Dir string
	// Branch is the default branch; empty: main.
	Branch string
	Listen string           // address; empty: a free port of 127.0.0.1
	Now    func() time.Time // nil: time.Now
	// Public lets requests without a token read.
	Public bool
	// RateLimit is the number of requests for each hour and interface; 0: 5000.
	RateLimit int
	// LazyMergeable answers "unknown" to the first question whether a pull
	// request can be merged after either side has moved, as GitHub does.
	LazyMergeable bool
	// Methods are the ways to merge that the repository allows; nil: all of
	// merge, squash and rebase.
	Methods []string
}

// Server is a running server. All its methods may be called at any time.
type Server struct {
	o       Options
	bare    bare
	gitCore string // where git keeps http-backend
	temp    string // to be removed; empty: none
	listen  net.Listener
	http    *http.Server
	rest    *http.ServeMux
	schema  *schemaOf
	ctx     context.Context // of what is done for nobody's request
	stop    context.CancelFunc
	done    chan struct{}

	mu       sync.Mutex // all below
	users    map[string]*User
	pulls    map[int]*pull
	next     int // number of the next pull request
	checks   map[string][]*check
	comments map[int][]*comment
	protect  map[string]Protection
	trials   map[string]trial
	nextID   int64
	spent    map[string]int // requests by interface
	reset    time.Time

	logMu  sync.Mutex
	log    []Request
	faults []*Fault
}

// New starts a server.
func New(o Options) (*Server, error) {
	if o.Owner == "" {
		o.Owner, o.Name = "acme", "shop"
	}
	if o.Branch == "" {
		o.Branch = "main"
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.RateLimit == 0 {
		o.RateLimit = 5000
	}
	if o.Methods == nil {
		o.Methods = []string{"merge", "squash", "rebase"}
	}
	s := &Server{
		o: o, users: map[string]*User{}, pulls: map[int]*pull{}, next: 1, checks: map[string][]*check{},
		comments: map[int][]*comment{}, protect: map[string]Protection{}, trials: map[string]trial{}, nextID: 1,
		spent: map[string]int{}, reset: o.Now().Add(time.Hour), done: make(chan struct{}),
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	if err := s.start(); err != nil {
		s.stop()
		return nil, errors.Join(fmt.Errorf("forge server: %w", err), s.removeTemp())
	}
	return s, nil
}

func (s *Server) start() error {
	var err error
	if s.schema, err = loadSchema(); err != nil {
		return err
	}
	if err := s.openRepository(); err != nil {
		return err
	}
	if s.listen, err = (&net.ListenConfig{}).Listen(s.ctx, "tcp", s.o.Listen); err != nil {
		return err
	}
	if host, _, _ := net.SplitHostPort(s.listen.Addr().String()); !net.ParseIP(host).IsLoopback() {
		return errors.Join(fmt.Errorf("%s is not on loopback, and tokens go over plain http", s.o.Listen), s.listen.Close())
	}
	s.rest = s.routes()
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return s.ctx }}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(s.listen) // ends with Close
	}()
	return nil
}

// openRepository finds or makes the bare repository.
func (s *Server) openRepository() error {
	s.bare = bare{dir: s.o.Dir, now: s.o.Now}
	if s.bare.dir == "" {
		dir, err := os.MkdirTemp("", "forge")
		if err != nil {
			return err
		}
		s.temp, s.bare.dir = dir, filepath.Join(dir, s.o.Name+".git")
	}
	dir, err := filepath.Abs(s.bare.dir)
	if err != nil {
		return err
	}
	s.bare.dir = dir
	if _, err := os.Stat(filepath.Join(dir, "HEAD")); errors.Is(err, os.ErrNotExist) {
		if _, err := s.bare.run(s.ctx, "init", "--quiet", "--bare", "--initial-branch", s.o.Branch, dir); err != nil {
			return err
		}
	}
	s.gitCore, err = s.bare.run(s.ctx, "--exec-path")
	return err
}

// Close stops the server and removes what it made.
func (s *Server) Close() error {
	s.stop()
	err := s.http.Close()
	<-s.done
	return errors.Join(err, s.removeTemp())
}

func (s *Server) removeTemp() error {
	if s.temp == "" {
		return nil
	}
	return os.RemoveAll(s.temp)
}

// URL is the server's address, without a slash at the end.
func (s *Server) URL() string { return "http://" + s.listen.Addr().String() }

// APIURL is the root of the REST interface, at the place an Enterprise Server has it.
func (s *Server) APIURL() string { return s.URL() + "/api/v3" }

// RepositoryURL is the page of the repository.
func (s *Server) RepositoryURL() string { return s.URL() + "/" + s.o.Owner + "/" + s.o.Name }

// CloneURL is what to clone and push to; a token goes with it as a password.
func (s *Server) CloneURL() string { return s.RepositoryURL() + ".git" }

// Dir is the bare repository.
func (s *Server) Dir() string { return s.bare.dir }

// maxRequest bounds what a request may carry; a push of a demo is far below.
const maxRequest = 256 << 20

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		http.Error(w, "the request's body cannot be read", http.StatusBadRequest)
		return
	}
	r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	user, bad := s.authenticate(r)
	entry := Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Login: user.login(), Conditional: r.Header.Get("If-None-Match") != ""}
	api := strings.HasPrefix(r.URL.Path, "/api/")
	if api {
		entry.Body = string(body)
	}
	out := &response{header: http.Header{}}
	f := s.fault(entry)
	if f != nil && f.Delay > 0 {
		t := time.NewTimer(f.Delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.Context().Done(): // the client has gone, and the request with it
			s.record(entry)
			panic(http.ErrAbortHandler)
		}
	}
	if f == nil || f.Late || f.slowOnly() {
		switch {
		case r.URL.Path == "/api/graphql":
			s.serveGraphQL(out, r, body, user, bad)
		case api:
			s.serveREST(out, r, user, bad)
		default:
			s.serveGitOrPage(out, r, user, bad)
		}
	}
	if f != nil && !f.slowOnly() {
		out = s.failed(f)
	}
	if f != nil && f.Cut {
		s.record(entry)
		panic(http.ErrAbortHandler) // cuts the connection without an answer
	}
	entry.Status = out.status()
	s.record(entry)
	out.header.Set("Date", s.o.Now().UTC().Format(http.TimeFormat))
	out.send(w)
}

// failed is the answer of a fault.
func (s *Server) failed(f *Fault) *response {
	out := &response{header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}, code: f.Status}
	if out.code == 0 {
		out.code = http.StatusInternalServerError
	}
	text := f.Body
	if text == "" {
		text = faultBodies[out.code]
	}
	for k, v := range f.Header {
		out.header[http.CanonicalHeaderKey(k)] = v
	}
	out.body.WriteString(text)
	return out
}

// response collects an answer, so that a fault can still replace it.
type response struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

func (r *response) Header() http.Header         { return r.header }
func (r *response) Write(b []byte) (int, error) { return r.body.Write(b) }
func (r *response) WriteHeader(code int) {
	if r.code == 0 {
		r.code = code
	}
}

func (r *response) status() int {
	if r.code == 0 {
		return http.StatusOK
	}
	return r.code
}

func (r *response) send(w http.ResponseWriter) {
	for k, v := range r.header {
		w.Header()[k] = v
	}
	w.WriteHeader(r.status())
	if r.status() != http.StatusNotModified && r.status() != http.StatusNoContent {
		_, _ = w.Write(r.body.Bytes()) // the client may be gone
	}
}
