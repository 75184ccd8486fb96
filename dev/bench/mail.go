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

// mailWatcher polls the mailbox for all accounts, and passes the token of each
// confirmation mail to the account that waits for it.
type mailWatcher struct {
	box  *stack.Mailbox
	done chan struct{}
	over sync.WaitGroup

	waiting atomic.Int32 // callers of confirmation

	mu     sync.Mutex
	read   int
	tokens map[string]chan string // by export
}

var confirmationLink = regexp.MustCompile(`/confirm/([A-Za-z0-9_-]+)`)

func watchMail(box *stack.Mailbox) *mailWatcher {
	l := &mailWatcher{box: box, done: make(chan struct{}), tokens: map[string]chan string{}}
	l.over.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-l.done:
				return
			case <-tick.C:
				if l.waiting.Load() > 0 { // else polling would waste CPU time
					l.poll()
				}
			}
		}
	})
	return l
}

func (l *mailWatcher) stop() {
	close(l.done)
	l.over.Wait()
}

func (l *mailWatcher) poll() {
	all := l.box.Messages() // newest first
	for _, message := range all[:len(all)-l.read] {
		link := confirmationLink.FindStringSubmatch(message.Text)
		if link == nil {
			continue
		}
		named, err := base64.RawURLEncoding.DecodeString(link[1])
		if err != nil || len(named) < 16 {
			continue
		}
		select {
		case l.of("EX" + hex.EncodeToString(named[:16])) <- link[1]:
		default: // another recipient's copy was first
		}
	}
	l.read = len(all)
}

func (l *mailWatcher) of(export string) chan string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tokens[export] == nil {
		l.tokens[export] = make(chan string, 1)
	}
	return l.tokens[export]
}

// confirmation waits for the confirmation mail of the export and returns its
// token.
func (l *mailWatcher) confirmation(ctx context.Context, export string) (string, error) {
	l.waiting.Add(1)
	defer l.waiting.Add(-1)
	select {
	case token := <-l.of(export):
		return token, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
