package bench

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"satchel/dev/stack"
)

// mailWatcher polls the mailbox and passes the token of each confirmation e-mail to the
// caller that waits for it.
type mailWatcher struct {
	box     *stack.Mailbox
	done    chan struct{}
	polling sync.WaitGroup

	waiting atomic.Int32 // callers of confirmation

	mu     sync.Mutex
	read   int                    // number of e-mails that poll has read
	tokens map[string]chan string // by export
}

var confirmationLink = regexp.MustCompile(`/confirm/([A-Za-z0-9_-]+)`)

func watchMail(box *stack.Mailbox) *mailWatcher {
	w := &mailWatcher{box: box, done: make(chan struct{}), tokens: map[string]chan string{}}
	w.polling.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-w.done:
				return
			case <-tick.C:
				if w.waiting.Load() > 0 { // polling takes CPU time from what is measured
					w.poll()
				}
			}
		}
	})
	return w
}

func (w *mailWatcher) stop() {
	close(w.done)
	w.polling.Wait()
}

func (w *mailWatcher) poll() {
	all := w.box.Messages() // newest first
	for _, message := range all[:len(all)-w.read] {
		link := confirmationLink.FindStringSubmatch(message.Text)
		if link == nil {
			continue
		}
		payload, err := base64.RawURLEncoding.DecodeString(link[1])
		if err != nil || len(payload) < 16 {
			continue
		}
		select {
		case w.tokenOf("EX" + hex.EncodeToString(payload[:16])) <- link[1]:
		default: // the token was passed already
		}
	}
	w.read = len(all)
}

// tokenOf returns the channel that receives the token of an export.
func (w *mailWatcher) tokenOf(export string) chan string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tokens[export] == nil {
		w.tokens[export] = make(chan string, 1)
	}
	return w.tokens[export]
}

// confirmation waits for the confirmation mail of the export and returns its
// token.
func (w *mailWatcher) confirmation(ctx context.Context, export string) (string, error) {
	w.waiting.Add(1)
	defer w.waiting.Add(-1)
	select {
	case token := <-w.tokenOf(export):
		return token, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
