package bench

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strconv"
	"strings"
	"time"

	"satchel/dev/demo"
	"satchel/schema"
	"satchel/workflows"
)

// customer is an account with its owner, who is signed in, and its program,
// which has an API key.
type customer struct {
	*bench
	base    string // of the server they use
	account demo.Account
	browser *http.Client
}

func (b *bench) newCustomer(ctx context.Context, with demo.With) (*customer, error) {
	account, err := demo.NewAccount(ctx, b.Demo.DatabaseURL, with)
	if err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	c := &customer{bench: b, base: b.Demo.BaseURL, account: account.At(b.Demo.BaseURL), browser: &http.Client{
		Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	return c, c.do(ctx, http.MethodGet, c.account.As(schema.Owner).SignInURL, nil, nil)
}

// export is an export as the API shows it.
type export struct {
	ID, Status  string
	Reason      *string
	CompletedAt *time.Time
	Size        *int64
	Categories  []struct {
		Name    string
		Records int64
	}

	confirmed time.Time // when the owner's confirmation was sent
}

// took is from the confirmation, as it leaves the customer, to the moment that
// the database calls completed: both by the clock of the one machine.
func (e export) took() time.Duration { return e.CompletedAt.Sub(e.confirmed) }

func (e export) records() (n int64) {
	for _, c := range e.Categories {
		n += c.Records
	}
	return n
}

// makeExport asks for an export, confirms it by the mailed link, and waits
// until it is completed, looking so often.
func (c *customer) makeExport(ctx context.Context, look time.Duration) (export, error) {
	var e export
	if err := c.do(ctx, http.MethodPost, "/v1/account/exports", nil, &e); err != nil {
		return e, err
	}
	token, err := c.letters.confirmation(ctx, e.ID)
	if err != nil {
		return e, err
	}
	confirmed := time.Now()
	if err := c.do(ctx, http.MethodPost, "/confirm/"+token, nil, nil); err != nil {
		return e, err
	}
	e, err = c.awaitCompleted(ctx, e.ID, look)
	e.confirmed = confirmed
	return e, err
}

func (c *customer) awaitCompleted(ctx context.Context, id string, look time.Duration) (export, error) {
	for {
		var e export
		if err := c.do(ctx, http.MethodGet, "/v1/account/exports/"+id, nil, &e); err != nil {
			return e, err
		}
		switch e.Status {
		case "completed":
			return e, nil
		case "pending", "confirmed", "processing":
		default:
			return e, fmt.Errorf("export %s is %s", id, e.Status)
		}
		if err := pause(ctx, look); err != nil {
			return e, err
		}
	}
}

// forget deletes the export and waits until its run has closed, so that the
// next can be asked for.
func (c *customer) forget(ctx context.Context, e export) error {
	if err := c.do(ctx, http.MethodDelete, "/v1/account/exports/"+e.ID, nil, nil); err != nil {
		return err
	}
	return c.awaitRemoved(ctx, e)
}

// awaitRemoved waits until the run of the export has closed.
func (c *customer) awaitRemoved(ctx context.Context, e export) error {
	if err := c.temporal.GetWorkflow(ctx, workflows.AccountExportID(c.account.AccountSID), "").Get(ctx, nil); err != nil {
		return fmt.Errorf("wait until %s is removed: %w", e.ID, err)
	}
	// The run ends by Temporal's clock and the cooldown by the database's.
	return pause(ctx, 50*time.Millisecond)
}

// do asks as the account's program where that may, or else as its owner, and
// again as long as it is told to come back. Everything but success is an error.
func (c *customer) do(ctx context.Context, method, path string, form url.Values, into any) error {
	var res *http.Response
	header := map[string]string{}
	if method == http.MethodPost {
		header["Idempotency-Key"] = rand.Text() // asking again is asking for the same
	}
	for tries := 0; ; tries++ {
		var err error
		if res, err = c.ask(ctx, method, path, form, header); err == nil {
			break
		}
		busy, isBusy := errors.AsType[errBusy](err)
		if !isBusy || tries == mostTries {
			return err
		}
		if err := pause(ctx, busy.wait); err != nil {
			return err
		}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	if into != nil {
		return json.Unmarshal(text, into)
	}
	return nil
}

// ask leaves the body for the caller to read and close.
func (c *customer) ask(ctx context.Context, method, path string, form url.Values, header map[string]string) (*http.Response, error) {
	program, whole := strings.HasPrefix(path, "/v1/"), path
	if !strings.Contains(path, "://") {
		whole = c.base + path
	}
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, whole, body)
	if err != nil {
		return nil, err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	client := c.browser
	if program {
		client = http.DefaultClient
		req.SetBasicAuth(c.account.APIKey.SID, c.account.APIKey.Secret)
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode >= 400 {
		defer res.Body.Close()
		said, _ := io.ReadAll(io.LimitReader(res.Body, 500)) // it only explains the status
		err := fmt.Errorf("%s %s answers %s: %s", method, pattern(req.URL.Path), res.Status, said)
		if wait, bad := strconv.Atoi(res.Header.Get("Retry-After")); res.StatusCode == http.StatusServiceUnavailable && bad == nil {
			return nil, errBusy{err, time.Duration(min(max(wait, 1), 5)) * time.Second}
		}
		return nil, err
	}
	return res, nil
}

// errBusy is an answer that asks to come back.
type errBusy struct {
	error
	wait time.Duration
}

// mostTries is how often a customer comes back.
const mostTries = 10

// pattern is a path without the token that it may end with.
func pattern(path string) string {
	if strings.HasPrefix(path, "/confirm/") {
		return "/confirm/…"
	}
	return path
}

// pause waits so long, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
