package bulk_test

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"sync"
	"time"

	"satchel/activities"
	"satchel/activities/bulkexport"
	"satchel/activities/mail"
	"satchel/schema"
	"satchel/workflows/client"
)

// platform is a fake of the platform's records, call archive, schedules and webhook receivers.
type platform struct {
	mu             sync.Mutex
	records        map[string][]string // SIDs by recordKey
	erased         []string            // calls deleted from the archive
	withoutArchive bool                // no archive is configured
	schedules      map[string]bool     // enabled, by account and type
	sent           chan string         // IDs of delivered events
	hold           chan struct{}       // if not nil, reading waits until it is closed
}

func newPlatform() *platform {
	return &platform{records: map[string][]string{}, schedules: map[string]bool{}, sent: make(chan string, 100)}
}

func recordKey(account string, t schema.ResourceType, day schema.Day) string {
	return account + "/" + string(t) + "/" + string(day)
}

// setRecords sets the records of a day.
func (p *platform) setRecords(account string, t schema.ResourceType, day schema.Day, sids ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.records[recordKey(account, t, day)] = sids
}

func (p *platform) callDay(account, call string) (schema.Day, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for at, sids := range p.records {
		if slices.Contains(sids, call) && at[:len(account)] == account {
			return schema.Day(at[len(at)-len("2026-03-01"):]), nil
		}
	}
	return "", schema.Errorf(schema.NotFound, schema.CodeCallNotFound, "There is no such call.")
}

// block delays reading of days until the returned function is called.
func (p *platform) block() (release func()) {
	hold := make(chan struct{})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hold = hold
	return sync.OnceFunc(func() { close(hold) })
}

// ReadDay calls do with the records of a day.
func (p *platform) ReadDay(ctx context.Context, t schema.ResourceType, account string, day schema.Day, erased []string, do func(schema.RecordReader) error) error {
	p.mu.Lock()
	hold := p.hold
	left := []string{}
	for _, sid := range p.records[recordKey(account, t, day)] {
		if !slices.Contains(erased, sid) {
			left = append(left, sid)
		}
	}
	p.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return do(&sidRows{sids: left})
}

// SigningKey is not needed: no webhook is really sent.
func (p *platform) SigningKey(context.Context, string) ([]byte, error) {
	return nil, schema.Errorf(schema.Conflict, schema.CodeNoSigningKey, "None.")
}

// EraseCalls records calls deleted from the platform's archive.
func (p *platform) EraseCalls(_ context.Context, _ string, calls []string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erased = append(p.erased, calls...)
	return nil
}

// SetDaily records whether a schedule is enabled.
func (p *platform) SetDaily(_ context.Context, account string, t schema.ResourceType, enabled bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.schedules[account+"/"+string(t)] = enabled
	return nil
}

func (p *platform) scheduled(account string, t schema.ResourceType) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.schedules[account+"/"+string(t)]
}

type sidRows struct {
	schema.RecordReader // only AppendRow is called
	sids                []string
}

func (l *sidRows) AppendRow(dst []byte) ([]byte, error) {
	if len(l.sids) == 0 {
		return dst, io.EOF
	}
	dst = fmt.Appendf(dst, `{"sid":%q}`, l.sids[0])
	l.sids = l.sids[1:]
	return dst, nil
}

// newActivities returns the real activities with a fake platform, and without mails and
// webhooks.
func (fx *fixture) newActivities() []any {
	a := &bulkexport.Activities{
		Store: fx.store, Source: directory{fx.platform, fx}, Vault: fx.vault, Count: discardMetrics{},
		Runs: runs{fixture: fx}, Secrets: fx.vault, Hooks: fx.platform, Schedules: fx.platform,
	}
	if !fx.platform.withoutArchive {
		a.Archive = fx.platform
	}
	return []any{a, &activities.EmailActivities{
		Ledger: fx.store, Mail: discardMail{}, Count: discardMetrics{},
		Composers: []activities.EmailComposer{&bulkexport.EmailComposer{Store: fx.store, Directory: directory{fx.platform, fx}, Links: fx.links, Site: site}},
	}}
}

// Deliver records an event as delivered.
func (p *platform) Deliver(_ context.Context, _ schema.Hook, token string, _ []byte, _ url.Values) (schema.EventAttempt, error) {
	p.sent <- token
	return schema.EventAttempt{HTTPStatus: 204, Outcome: string(schema.EventDelivered)}, nil
}

// runs implements only what these tests use.
type runs struct {
	bulkexport.Runs
	*fixture
}

func (r runs) RequestRebuild(ctx context.Context, account string, day schema.Day) error {
	return client.RequestRebuild(ctx, r.temporal, account, day)
}

type directory struct {
	*platform
	*fixture
}

func (d directory) Account(ctx context.Context, id string) (schema.Account, error) {
	return d.fixture.Account(ctx, id)
}

func (d directory) People(context.Context, string) ([]schema.Person, error) { return nil, nil }

type discardMail struct{}

func (discardMail) Send(context.Context, mail.Message) error { return nil }

type discardMetrics struct{}

func (discardMetrics) WroteDay(schema.ResourceType, int64, int64) {}

func (discardMetrics) WebhookWaited()           {}
func (discardMetrics) Mailed(mail.Kind, string) {}

// yesterday is the newest day that can be exported.
func yesterday() schema.Day { return schema.DayOf(time.Now()).Plus(-1) }
