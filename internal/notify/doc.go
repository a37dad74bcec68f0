// Package notify tells the story of a run to people who are not watching it: a
// Slack message that is updated in place from start to verdict, with the
// details in its thread, and JSON webhooks.
//
// It is a listener only. No method but [Notifier.Close] waits for the network,
// queues are bounded, and what could not be delivered is counted and said in
// one line; a run neither fails nor slows down because of it.
package notify
