package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// slackAPI is where Slack's Web API is.
const slackAPI = "https://slack.com/api"

// slackClient makes the two calls that are needed of Slack's Web API. Answers
// have status 200 also for refusals; "ok" and "error" in the body tell.
type slackClient struct {
	token  Secret
	api    string
	client *http.Client
}

// slackMessage is the body of chat.postMessage and chat.update.
type slackMessage struct {
	Channel   string       `json:"channel"`
	TS        string       `json:"ts,omitempty"`
	ThreadTS  string       `json:"thread_ts,omitempty"`
	Broadcast bool         `json:"reply_broadcast,omitempty"`
	Text      string       `json:"text"` // for notifications and screen readers
	Blocks    []slackBlock `json:"blocks,omitempty"`
	Unfurl    bool         `json:"unfurl_links"`
}

type slackBlock struct {
	Type     string      `json:"type"`
	Text     *slackText  `json:"text,omitempty"`
	Elements []slackText `json:"elements,omitempty"`
}

type slackText struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

func section(text string) slackBlock {
	return slackBlock{Type: "section", Text: &slackText{Type: "mrkdwn", Text: text}}
}

func small(text string) slackBlock {
	return slackBlock{Type: "context", Elements: []slackText{{Type: "mrkdwn", Text: text}}}
}

// parent is the run's message as it stands.
func (s *story) parent() slackMessage {
	headline, blocks := s.headline(), []slackBlock{small(s.context())}
	if x := s.exception(); x != "" {
		blocks = append(blocks, small(x))
	}
	return slackMessage{Text: headline, Blocks: append([]slackBlock{section(headline)}, blocks...)}
}

// call makes one attempt.
func (c slackClient) call(ctx context.Context, method string, m slackMessage) (Thread, *failure) {
	body, err := json.Marshal(m)
	if err != nil {
		return Thread{}, &failure{text: err.Error()}
	}
	header := http.Header{"Authorization": {"Bearer " + c.token.value()}}
	status, data, f := post(ctx, c.client, NewSecret(c.api+"/"+method), header, body)
	if f != nil {
		f.text = c.token.scrub(f.text)
		return Thread{}, f
	}
	var answer struct {
		OK      bool   `json:"ok"`
		Error   string `json:"error"`
		Channel string `json:"channel"`
		TS      string `json:"ts"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return Thread{}, &failure{text: fmt.Sprintf("the answer is not Slack's (status %d); check the address and the proxy", status)}
	}
	if !answer.OK {
		return Thread{}, c.refused(answer.Error, m.Channel)
	}
	return Thread{Channel: answer.Channel, TS: answer.TS}, nil
}

// Slack's errors by what is to be done, from the pages of chat.postMessage and
// chat.update in its documentation.
var (
	slackTransient = []string{"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
	slackMissing   = []string{"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"}
	slackFatal     = map[string]string{
		"not_authed":                          "set the Slack token",
		"invalid_auth":                        "check the Slack token",
		"account_inactive":                    "the token's user or workspace is gone; make a new token",
		"token_revoked":                       "make a new token",
		"token_expired":                       "make a new token",
		"not_allowed_token_type":              "use a bot token (xoxb)",
		"missing_scope":                       "give the bot the scope chat:write",
		"no_permission":                       "give the bot the scope chat:write",
		"channel_not_found":                   "check the channel's name; a private one needs /invite for the bot",
		"not_in_channel":                      "invite the bot to the channel",
		"is_archived":                         "the channel is archived; name another one",
		"restricted_action":                   "the workspace does not let the bot post there",
		"access_denied":                       "the workspace does not let the bot post there",
		"ekm_access_denied":                   "the workspace does not let the bot post there",
		"org_login_required":                  "the workspace is being migrated",
		"restricted_action_read_only_channel": "the channel is read-only",
	}
)

func (c slackClient) refused(code, channel string) *failure {
	f := &failure{text: c.token.scrub(clean(code, maxTitle))}
	hint, fatal := slackFatal[code]
	switch {
	case fatal:
		f.fatal = true
		f.text += " for " + clean(channel, maxTitle) + " (" + hint + ")"
	case slices.Contains(slackTransient, code):
		f.transient = true
	case slices.Contains(slackMissing, code):
		f.missing = true
	}
	return f
}

// batch takes as many lines as fit into one message, at least one.
func batch(lines []string) (text string, taken int) {
	const limit = 2900 // below the 3000 characters of a section
	var b strings.Builder
	for _, line := range lines {
		if taken > 0 && b.Len()+1+len(line) > limit {
			break
		}
		if taken > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(line)
		taken++
	}
	return b.String(), taken
}
