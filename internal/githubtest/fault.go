package githubtest

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Request is one request as the log has it. Headers, and with them tokens,
// are not kept.
type Request struct {
	Method      string
	Path        string
	Query       string
	Login       string // of the user; empty: nobody's
	Body        string // of the REST and GraphQL interfaces
	Conditional bool   // it had If-None-Match
	Status      int    // 0: the connection was cut
}

// Fault makes requests fail. The first that matches and is not used up counts.
type Fault struct {
	Method string             // empty: any
	Path   string             // part of the path; empty: any
	Match  func(Request) bool // nil: any
	Times  int                // how often; 0: always

	Status int // 0 with neither Cut nor Delay: 500
	Header http.Header
	Body   string        // empty: GitHub's for the status
	Delay  time.Duration // before anything else, or until the client gives up
	Cut    bool          // no answer: the connection breaks
	// Late lets the request take effect before it fails.
	Late bool

	used int
}

func (f *Fault) matches(r Request) bool {
	return (f.Times == 0 || f.used < f.Times) && (f.Method == "" || f.Method == r.Method) &&
		strings.Contains(r.Path, f.Path) && (f.Match == nil || f.Match(r))
}

// slowOnly reports whether the request is answered as usual after the delay.
func (f *Fault) slowOnly() bool { return f.Delay > 0 && f.Status == 0 && !f.Cut }

// Inject adds a fault; the returned function takes it away.
func (s *Server) Inject(f Fault) (remove func()) {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	p := &f
	s.faults = append(s.faults, p)
	return func() {
		s.logMu.Lock()
		defer s.logMu.Unlock()
		p.Match = func(Request) bool { return false }
	}
}

func (s *Server) fault(r Request) *Fault {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	for _, f := range s.faults {
		if f.matches(r) {
			f.used++
			return f
		}
	}
	return nil
}

// Log is every request so far, in the order of their answers.
func (s *Server) Log() []Request {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	return append([]Request(nil), s.log...)
}

// ClearLog forgets the requests so far.
func (s *Server) ClearLog() {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	s.log = nil
}

func (s *Server) record(r Request) {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	s.log = append(s.log, r)
}

// PrimaryLimit is the answer when the hour's requests are used up.
func PrimaryLimit(reset time.Time) Fault {
	return Fault{Status: http.StatusForbidden, Body: `{"message":"API rate limit exceeded for user ID 1.","documentation_url":"https://docs.github.com/rest/overview/rate-limits-for-the-rest-api"}`,
		Header: http.Header{
			"X-Ratelimit-Limit": {"5000"}, "X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Used": {"5000"},
			"X-Ratelimit-Reset": {strconv.FormatInt(reset.Unix(), 10)},
		}}
}

// SecondaryLimit is the answer to too many requests at a time.
func SecondaryLimit(wait time.Duration) Fault {
	f := Fault{Status: http.StatusForbidden, Body: `{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again.","documentation_url":"https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"}`}
	if wait > 0 {
		f.Header = http.Header{"Retry-After": {strconv.Itoa(int(wait / time.Second))}}
	}
	return f
}

// BadGateway is what GitHub's front answers when the rest took too long.
func BadGateway() Fault {
	return Fault{Status: http.StatusBadGateway, Body: "<html><body><h1>502 Bad Gateway</h1></body></html>",
		Header: http.Header{"Content-Type": {"text/html"}}}
}

// BaseModified is the refusal of a merge while another is going on.
func BaseModified() Fault {
	return Fault{Method: http.MethodPut, Path: "/merge", Status: http.StatusMethodNotAllowed,
		Body: `{"message":"Base branch was modified. Review and try the merge again."}`}
}

// faultBodies are what GitHub says with a status.
var faultBodies = map[int]string{
	http.StatusUnauthorized:        `{"message":"Bad credentials","documentation_url":"https://docs.github.com/rest","status":"401"}`,
	http.StatusForbidden:           `{"message":"Resource not accessible by personal access token","documentation_url":"https://docs.github.com/rest","status":"403"}`,
	http.StatusNotFound:            `{"message":"Not Found","documentation_url":"https://docs.github.com/rest","status":"404"}`,
	http.StatusMethodNotAllowed:    `{"message":"Pull Request is not mergeable","documentation_url":"https://docs.github.com/rest/pulls/pulls#merge-a-pull-request","status":"405"}`,
	http.StatusConflict:            `{"message":"Head branch was modified. Review and try the merge again.","documentation_url":"https://docs.github.com/rest/pulls/pulls#merge-a-pull-request","status":"409"}`,
	http.StatusUnprocessableEntity: `{"message":"Validation Failed","errors":[],"documentation_url":"https://docs.github.com/rest","status":"422"}`,
}
