package githubtest

import (
	"hash/fnv"
	"net/http"
	"slices"
	"strings"
)

// Right is what a user may do in the repository.
type Right int

// The rights, each with those before it.
const (
	None Right = iota
	Read
	Write
	Admin
)

// User is somebody with a token.
type User struct {
	Login string
	Token string
	Right Right
	// Denied are the permissions a fine-grained token lacks: "checks",
	// "statuses", "contents", "pull_requests", "issues".
	Denied []string
}

func (u *User) may(permission string, right Right) bool {
	return u != nil && u.Right >= right && !slices.Contains(u.Denied, permission)
}

func (u *User) login() string {
	if u == nil {
		return ""
	}
	return u.Login
}

// AddUser adds a user, or replaces the one of that login.
func (s *Server) AddUser(u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[u.Login] = &u
}

// userJSON is a user as the interface shows them; nil for nobody.
func (s *Server) userJSON(login string) map[string]any {
	if login == "" {
		return nil
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(login)) // a hash takes everything
	return map[string]any{
		"login": login, "id": h.Sum32(), "node_id": "U_" + login, "type": "User", "site_admin": false,
		"url": s.APIURL() + "/users/" + login, "html_url": s.URL() + "/" + login, "avatar_url": s.URL() + "/" + login + ".png",
	}
}

// person is how a user signs commits.
func (u *User) person() person {
	return person{u.Login, u.Login + "@users.noreply.github.com"}
}

// authenticate finds the user of a request by its token: as a bearer, or as
// the password of basic authentication. Bad is set when there is a token and
// it is nobody's.
func (s *Server) authenticate(r *http.Request) (u *User, bad bool) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return nil, false
	}
	scheme, token, _ := strings.Cut(header, " ")
	if _, password, ok := r.BasicAuth(); ok {
		token = password
	} else if !strings.EqualFold(scheme, "bearer") && !strings.EqualFold(scheme, "token") {
		return nil, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.users {
		if u.Token != "" && u.Token == token {
			return u, false
		}
	}
	return nil, true
}
