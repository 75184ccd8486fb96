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

// account is an account with two HTTP clients: one with its owner's session, and one
// with its API key.
type account struct {
	*bench
	demo.Account
	base    string // URL of the server
	browser *http.Client
}

func (b *bench) newAccount(ctx context.Context, with demo.With) (*account, error) {
	created, err := demo.NewAccount(ctx, b.Demo.DatabaseURL, with)
	if err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	a := &account{bench: b, base: b.Demo.BaseURL, Account: created.At(b.Demo.BaseURL), browser: &http.Client{
		Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	return a, a.do(ctx, http.MethodGet, a.As(schema.Owner).SignInURL, nil, nil)
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

// took is the time from sending the confirmation to completed_at in the database;
// both use the clock of this machine.
func (e export) took() time.Duration { return e.CompletedAt.Sub(e.confirmed) }

func (e export) records() (n int64) {
	for _, c := range e.Categories {
		n += c.Records
	}
	return n
}

// makeExport requests an export, confirms it by the mailed link, and polls until
// it is completed.
func (a *account) makeExport(ctx context.Context, interval time.Duration) (export, error) {
	var e export
	if err := a.do(ctx, http.MethodPost, "/v1/account/exports", nil, &e); err != nil {
		return e, err
	}
	token, err := a.mail.confirmation(ctx, e.ID)
	if err != nil {
		return e, err
	}
	confirmed := time.Now()
	if err := a.do(ctx, http.MethodPost, "/confirm/"+token, nil, nil); err != nil {
		return e, err
	}
	e, err = a.awaitCompleted(ctx, e.ID, interval)
	e.confirmed = confirmed
	return e, err
}

func (a *account) awaitCompleted(ctx context.Context, id string, interval time.Duration) (export, error) {
	for {
		var e export
		if err := a.do(ctx, http.MethodGet, "/v1/account/exports/"+id, nil, &e); err != nil {
			return e, err
		}
		switch e.Status {
		case "completed":
			return e, nil
		case "pending", "confirmed", "processing":
		default:
			return e, fmt.Errorf("export %s is %s", id, e.Status)
		}
		if err := pause(ctx, interval); err != nil {
			return e, err
		}
	}
}

// remove deletes the export and waits until its run has closed, so that the next
// can be requested.
func (a *account) remove(ctx context.Context, e export) error {
	if err := a.do(ctx, http.MethodDelete, "/v1/account/exports/"+e.ID, nil, nil); err != nil {
		return err
	}
	return a.awaitRemoved(ctx, e)
}

// awaitRemoved waits until the run of the export has closed.
func (a *account) awaitRemoved(ctx context.Context, e export) error {
	if err := a.temporal.GetWorkflow(ctx, workflows.AccountExportID(a.AccountSID), "").Get(ctx, nil); err != nil {
		return fmt.Errorf("wait until %s is removed: %w", e.ID, err)
	}
	// The run closes by Temporal's clock, the cooldown ends by the database's.
	return pause(ctx, 50*time.Millisecond)
}

// do sends a request with the API key under /v1/, or else as the signed-in owner.
// It retries after 503 with Retry-After. Any other failure is an error.
func (a *account) do(ctx context.Context, method, path string, form url.Values, into any) error {
	var res *http.Response
	header := map[string]string{}
	if method == http.MethodPost {
		header["Idempotency-Key"] = rand.Text() // makes retries safe
	}
	for attempt := 0; ; attempt++ {
		var err error
		if res, err = a.send(ctx, method, path, form, header); err == nil {
			break
		}
		busy, isBusy := errors.AsType[busyError](err)
		if !isBusy || attempt == maxAttempts {
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

// send sends one request. The caller closes the body.
func (a *account) send(ctx context.Context, method, path string, form url.Values, header map[string]string) (*http.Response, error) {
	isAPI, target := strings.HasPrefix(path, "/v1/"), path
	if !strings.Contains(path, "://") {
		target = a.base + path
	}
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	client := a.browser
	if isAPI {
		client = http.DefaultClient
		req.SetBasicAuth(a.APIKey.SID, a.APIKey.Secret)
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode >= 400 {
		defer res.Body.Close()
		output, _ := io.ReadAll(io.LimitReader(res.Body, 500)) // best effort: it only explains the status
		err := fmt.Errorf("%s %s answers %s: %s", method, redact(req.URL.Path), res.Status, output)
		if wait, bad := strconv.Atoi(res.Header.Get("Retry-After")); res.StatusCode == http.StatusServiceUnavailable && bad == nil {
			return nil, busyError{err, time.Duration(min(max(wait, 1), 5)) * time.Second}
		}
		return nil, err
	}
	return res, nil
}

// busyError is a response with status 503 and Retry-After.
type busyError struct {
	error
	wait time.Duration
}

// maxAttempts limits the retries of a request.
const maxAttempts = 10

// redact returns a path without the token at its end.
func redact(path string) string {
	if strings.HasPrefix(path, "/confirm/") {
		return "/confirm/…"
	}
	return path
}

// pause sleeps, or returns when ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
