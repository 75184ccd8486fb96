package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twilio/twilio-go/client"
	bulkexports "github.com/twilio/twilio-go/rest/bulkexports/v1"
	voice "github.com/twilio/twilio-go/rest/voice/v1"

	"satchel/dev/demo"
	"satchel/dev/e2e/twilioclient"
	"satchel/dev/fixture"
	"satchel/schema"
)

// rejectedRequest is a request of Twilio's clients that is answered with an error.
type rejectedRequest struct {
	What         string // is wrong
	As           credentials
	Do           string         // operation; see send and rejected.js
	Of           []string       // path parameters
	With         map[string]any // form or query parameters
	Status, Code int            // expected
}

type credentials struct{ Username, Password string }

// The server has the production settings of webhooks: public addresses and TLS only.
func TestTwiliosClientsGetTheErrorsOfInvalidRequests(t *testing.T) {
	t.Parallel()
	modules := nodeModules(t)
	st := shared.Stack(t)
	server, base, err := st.AnotherServer("strict-server", "WEBHOOK_ALLOW=", "WEBHOOK_ALLOW_HTTP=false", "QUOTA_DAYS=370")
	require.NoError(t, err)
	require.NoError(t, server.Start(t.Context()))
	defer func() { require.NoError(t, server.Stop()) }()

	n := newAccount(t, demo.With{}).at(base)
	all := rejectedRequests(t, n)
	before := n.configurations()

	t.Run("in Go", func(t *testing.T) {
		for _, r := range all {
			err := r.send(t, base)
			require.Error(t, err, r.What)
			message := requireRestError(t, err, r.Status, r.Code)
			require.NotContains(t, message, r.As.Password, r.What)
		}
	})
	t.Run("in Node", func(t *testing.T) {
		input, err := json.Marshal(map[string]any{"satchel": base, "rejected": all})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), fixture.Timeout)
		defer cancel()
		output, err := node(ctx, modules, "node/rejected.js", input)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint(len(all)), strings.TrimSpace(string(output)))
	})

	listed, err := n.BulkexportsV1.ListExportCustomJob("Calls", new(bulkexports.ListExportCustomJobParams))
	require.NoError(t, err)
	require.Empty(t, listed, "a rejected job does not exist")
	require.Equal(t, before, n.configurations(), "a rejected change changes nothing")
	year := n.job(schema.Calls, fixture.Yesterday().Plus(-365), fixture.Yesterday()) // rejected jobs cost no quota
	n.deleteJob(*year.JobSid)
}

// rejectedRequests returns requests with every kind of invalid input, and requests with
// credentials that do not allow them.
func rejectedRequests(t *testing.T, n account) (all []rejectedRequest) {
	t.Helper()
	to := fixture.Yesterday()
	own := credentials{n.AccountSID, n.AuthToken}
	other := newAccount(t, demo.With{}).at(n.base)
	ended := other.job(schema.Calls, to, to)
	other.job(schema.Calls, to, to)
	other.awaitEnded(*ended.JobSid)
	fixture.Until(t, func() bool { // its run has to close first
		err := other.BulkexportsV1.DeleteJob(*ended.JobSid)
		rejection, ok := err.(*client.TwilioRestError)
		return ok && rejection.Status == http.StatusConflict
	}, fixture.Timeout)
	theirs := credentials{other.AccountSID, other.AuthToken}
	page, err := other.BulkexportsV1.PageExportCustomJob("Calls", new(bulkexports.ListExportCustomJobParams).SetPageSize(1), "", "")
	require.NoError(t, err)
	next, err := url.Parse(*page.Meta.NextPageUrl)
	require.NoError(t, err)
	otherToken := next.Query().Get("PageToken")
	require.NotEmpty(t, otherToken)
	suspended := newAccount(t, demo.With{}).at(n.base)
	_, err = n.st.DB.Exec(`update platform.accounts set suspended = true where sid = $1`, suspended.AccountSID)
	require.NoError(t, err)
	demoted := newAccount(t, demo.With{}).at(n.base)
	_, err = n.st.DB.Exec(`update platform.users set role = 'member' where account_sid = $1`, demoted.AccountSID)
	require.NoError(t, err)
	unknown := strings.Repeat("0", 32)

	expired := other.job(schema.Conferences, to, to)
	other.awaitEnded(*expired.JobSid)
	for _, update := range []string{
		`update satchel.jobs set ended_at = ended_at - interval '8 days' where account_sid = $1 and resource_type = 'Conferences' and ended_at is not null`,
		`update satchel.day_files set expires_at = now() - interval '1 second' where account_sid = $1 and resource_type = 'Conferences'`,
	} {
		fixture.Until(t, func() bool { // the rows are written when the run closes
			changed, err := n.st.DB.Exec(update, other.AccountSID)
			require.NoError(t, err)
			rows, err := changed.RowsAffected()
			require.NoError(t, err)
			return rows == 1
		}, fixture.Timeout)
	}
	other.configure(schema.Calls, new(bulkexports.UpdateExportConfigurationParams).SetWebhookUrl("https://hooks.example.com/").SetWebhookMethod("GET"))

	add := func(what string, as credentials, do string, of []string, with map[string]any, status, code int) {
		all = append(all, rejectedRequest{what, as, do, of, with, status, code})
	}
	type form = map[string]any
	calls := []string{"Calls"}
	const hook = "https://hooks.example.com/"

	for what, with := range map[string]form{
		"an empty StartDay":       {"StartDay": ""},
		"an empty EndDay":         {"EndDay": ""},
		"an empty FriendlyName":   {"FriendlyName": ""},
		"a long FriendlyName":     {"FriendlyName": strings.Repeat("ü", 257)},
		"a control character":     {"FriendlyName": "a\nb"},
		"no such day":             {"StartDay": "2026-02-30"},
		"a short day":             {"StartDay": "2026-2-3"},
		"an instant":              {"StartDay": "2026-02-03T00:00:00Z"},
		"no date":                 {"EndDay": "yesterday"},
		"an end before the start": {"EndDay": string(to.Plus(-9))},
		"today":                   {"EndDay": string(to.Plus(1))},
		"a future day":            {"EndDay": string(to.Plus(5))},
		"367 days":                {"StartDay": string(to.Plus(-366))},
		"a URL alone":             {"WebhookUrl": hook},
		"a method alone":          {"WebhookMethod": "POST"},
		"another method":          {"WebhookUrl": hook, "WebhookMethod": "PUT"},
		"no URL":                  {"WebhookUrl": "hooks", "WebhookMethod": "POST"},
		"no host":                 {"WebhookUrl": "https:///hook", "WebhookMethod": "POST"},
		"another scheme":          {"WebhookUrl": "ftp://hooks.example.com/", "WebhookMethod": "POST"},
		"no TLS":                  {"WebhookUrl": "http://hooks.example.com/", "WebhookMethod": "POST"},
		"a fragment":              {"WebhookUrl": hook + "#x", "WebhookMethod": "POST"},
		"a long URL":              {"WebhookUrl": hook + strings.Repeat("x", 2048), "WebhookMethod": "POST"},
		"a private address":       {"WebhookUrl": "https://10.1.2.3/", "WebhookMethod": "POST"},
		"this machine":            {"WebhookUrl": "https://127.0.0.1/", "WebhookMethod": "POST"},
		"a metadata address":      {"WebhookUrl": "https://169.254.169.254/latest", "WebhookMethod": "GET"},
		"no email address":        {"Email": "unknown"},
		"a name and an address":   {"Email": "A <a@example.com>"},
		"two addresses":           {"Email": "a@example.com, b@example.com"},
	} {
		params := form{"StartDay": string(to.Plus(-1)), "EndDay": string(to), "FriendlyName": "An export"}
		for name, value := range with {
			params[name] = value
		}
		add(what, own, "create", calls, params, http.StatusBadRequest, 20001)
	}
	params := form{"StartDay": string(to), "EndDay": string(to), "FriendlyName": "An export"}
	large := form{"StartDay": string(to), "EndDay": string(to), "FriendlyName": strings.Repeat("x", 65<<10)}
	add("a body too large", own, "create", calls, large, http.StatusRequestEntityTooLarge, 20413)
	year := form{"StartDay": string(to.Plus(-364)), "EndDay": string(to), "FriendlyName": "A year"}
	long := other.job(schema.Messages, to.Plus(-364), to)
	t.Cleanup(func() { other.at(n.st.Demo.BaseURL).deleteJob(*long.JobSid) }) // its server has stopped
	add("more days than are left of the quota", theirs, "create", calls, year, http.StatusTooManyRequests, 20429)

	for what, with := range map[string]form{
		"no boolean":         {"Enabled": "perhaps"},
		"a URL alone":        {"Enabled": true, "WebhookUrl": hook},
		"a method alone":     {"Enabled": true, "WebhookMethod": "GET"},
		"no URL":             {"Enabled": true, "WebhookUrl": "x", "WebhookMethod": "GET"},
		"no host":            {"Enabled": true, "WebhookUrl": "https:///hook", "WebhookMethod": "GET"},
		"another scheme":     {"Enabled": true, "WebhookUrl": "ftp://hooks.example.com/", "WebhookMethod": "GET"},
		"a private address":  {"Enabled": true, "WebhookUrl": "https://10.1.2.3/", "WebhookMethod": "GET"},
		"this machine":       {"Enabled": true, "WebhookUrl": "https://[::1]/", "WebhookMethod": "GET"},
		"no TLS":             {"Enabled": true, "WebhookUrl": "http://hooks.example.com/", "WebhookMethod": "GET"},
		"a fragment":         {"Enabled": true, "WebhookUrl": hook + "#x", "WebhookMethod": "GET"},
		"a long URL":         {"Enabled": true, "WebhookUrl": hook + strings.Repeat("x", 2048), "WebhookMethod": "GET"},
		"a metadata address": {"Enabled": true, "WebhookUrl": "https://169.254.169.254/latest", "WebhookMethod": "GET"},
		"another method":     {"Enabled": true, "WebhookUrl": hook, "WebhookMethod": "TRACE"},
	} {
		add(what, own, "configure", calls, with, http.StatusBadRequest, 20001)
	}
	add("no URL for the method that is set", theirs, "configure", calls, form{"WebhookUrl": ""}, http.StatusBadRequest, 20001)
	add("no method for the URL that is set", theirs, "configure", calls, form{"WebhookMethod": ""}, http.StatusBadRequest, 20001)

	for _, typ := range []string{"Faxes", "calls", "Jobs"} {
		of := []string{typ}
		add("no such type", own, "configuration", of, nil, http.StatusNotFound, 20404)
		add("no such type", own, "configure", of, form{"Enabled": true}, http.StatusNotFound, 20404)
		add("no such type", own, "days", of, nil, http.StatusNotFound, 20404)
		add("no such type", own, "day", []string{typ, string(to)}, nil, http.StatusNotFound, 20404)
		add("no such type", own, "export", of, nil, http.StatusNotFound, 20404)
		add("no such type", own, "create", of, params, http.StatusNotFound, 20404)
		add("no such type", own, "jobs", of, nil, http.StatusNotFound, 20404)
	}
	for what, sid := range map[string]string{
		"an unknown job": "JS" + unknown, "a short SID": "JS", "no SID": "x", "another account's job": *ended.JobSid,
	} {
		add(what, own, "job", []string{sid}, nil, http.StatusNotFound, 20404)
		add(what, own, "deleteJob", []string{sid}, nil, http.StatusNotFound, 20404)
	}
	add("an expired job", theirs, "job", []string{*expired.JobSid}, nil, http.StatusNotFound, 20404)
	add("an expired job", theirs, "deleteJob", []string{*expired.JobSid}, nil, http.StatusNotFound, 20404)
	add("a day whose file has expired", theirs, "day", []string{"Conferences", string(to)}, nil, http.StatusNotFound, 20404)
	add("a job that has ended", theirs, "deleteJob", []string{*ended.JobSid}, nil, http.StatusConflict, 20409)

	for _, list := range []string{"jobs", "days"} {
		for what, with := range map[string]form{
			"a page size of zero":      {"PageSize": 0},
			"a negative page size":     {"PageSize": -1},
			"a page size in words":     {"PageSize": "ten"},
			"a page that is no number": {"Page": "x"},
			"an unknown token":         {"PageToken": "PTx", "Page": "1"},
			"no token":                 {"PageToken": "nonsense", "Page": "1"},
			"another account's token":  {"PageToken": otherToken, "Page": "1"},
		} {
			add(what, own, list, calls, with, http.StatusBadRequest, 20001)
		}
	}
	add("another list's token", theirs, "days", calls, form{"PageToken": otherToken, "Page": "1"}, http.StatusBadRequest, 20001)
	add("another type's token", theirs, "jobs", []string{"Messages"}, form{"PageToken": otherToken, "Page": "1"}, http.StatusBadRequest, 20001)

	add("a day that has no file", own, "day", []string{"Calls", string(to.Plus(-9))}, nil, http.StatusNotFound, 20404)
	add("a day that has another account's file", own, "day", []string{"Calls", string(to)}, nil, http.StatusNotFound, 20404)
	add("no day", own, "day", []string{"Calls", "yesterday"}, nil, http.StatusBadRequest, 20001)
	add("no such day", own, "day", []string{"Calls", "2026-02-30"}, nil, http.StatusBadRequest, 20001)

	other.fill(schema.Calls, to, to, 1)
	var call string
	require.NoError(t, n.st.DB.QueryRow(`select sid from platform.calls where account_sid = $1`, other.AccountSID).Scan(&call))
	add("no such day", own, "erase", []string{"2026-13-01", call}, nil, http.StatusBadRequest, 20001)
	add("no call", own, "erase", []string{string(to), "CA1"}, nil, http.StatusBadRequest, 20001)
	add("an unknown call", own, "erase", []string{string(to), "CA" + unknown}, nil, http.StatusNotFound, 20404)
	add("another account's call", own, "erase", []string{string(to), call}, nil, http.StatusNotFound, 20404)
	add("another day's call", theirs, "erase", []string{string(to.Plus(-1)), call}, nil, http.StatusNotFound, 20404)

	for what, as := range map[string]credentials{
		"a wrong token":      {n.AccountSID, unknown},
		"an unknown account": {schema.NewAccountID(), n.AuthToken},
		"a wrong secret":     {n.APIKey.SID, n.AuthToken},
	} {
		add(what, as, "export", calls, nil, http.StatusUnauthorized, 20003)
	}
	add("a member's key", credentials{demoted.APIKey.SID, demoted.APIKey.Secret}, "jobs", calls, nil, http.StatusForbidden, 20403)
	for _, as := range []credentials{{suspended.AccountSID, suspended.AuthToken}, {suspended.APIKey.SID, suspended.APIKey.Secret}} {
		what := "an account that is suspended"
		add(what, as, "export", calls, nil, http.StatusForbidden, 20403)
		add(what, as, "configuration", calls, nil, http.StatusForbidden, 20403)
		add(what, as, "configure", calls, form{"Enabled": true}, http.StatusForbidden, 20403)
		add(what, as, "create", calls, params, http.StatusForbidden, 20403)
		add(what, as, "jobs", calls, nil, http.StatusForbidden, 20403)
		add(what, as, "job", []string{*ended.JobSid}, nil, http.StatusForbidden, 20403)
		add(what, as, "deleteJob", []string{*ended.JobSid}, nil, http.StatusForbidden, 20403)
		add(what, as, "days", calls, nil, http.StatusForbidden, 20403)
		add(what, as, "day", []string{"Calls", string(to)}, nil, http.StatusForbidden, 20403)
		add(what, as, "erase", []string{string(to), call}, nil, http.StatusForbidden, 20403)
	}
	return all
}

// send sends the request with Twilio's client for Go.
func (r rejectedRequest) send(t *testing.T, base string) (err error) {
	t.Helper()
	at, err := url.Parse(base)
	require.NoError(t, err)
	c := twilioclient.Client(at, r.As.Username, r.As.Password)
	exports, calls := bulkexports.NewApiServiceWithClient(c), voice.NewApiServiceWithClient(c)
	return retryBusy(t, func() error {
		switch r.Do {
		case "export":
			_, err = exports.FetchExport(r.Of[0])
		case "configuration":
			_, err = exports.FetchExportConfiguration(r.Of[0])
		case "configure":
			change := new(bulkexports.UpdateExportConfigurationParams)
			if !r.decode(change) {
				return r.sendForm(c, http.MethodPost, "Configuration")
			}
			_, err = exports.UpdateExportConfiguration(r.Of[0], change)
		case "create":
			params := new(bulkexports.CreateExportCustomJobParams)
			require.True(t, r.decode(params))
			_, err = exports.CreateExportCustomJob(r.Of[0], params)
		case "jobs":
			list := new(bulkexports.ListExportCustomJobParams)
			if !r.decode(list) {
				return r.sendForm(c, http.MethodGet, "Jobs")
			}
			_, err = exports.PageExportCustomJob(r.Of[0], list, r.text("PageToken"), r.text("Page"))
		case "days":
			list := new(bulkexports.ListDayParams)
			if !r.decode(list) {
				return r.sendForm(c, http.MethodGet, "Days")
			}
			_, err = exports.PageDay(r.Of[0], list, r.text("PageToken"), r.text("Page"))
		case "job":
			_, err = exports.FetchJob(r.Of[0])
		case "deleteJob":
			err = exports.DeleteJob(r.Of[0])
		case "day":
			_, err = exports.FetchDay(r.Of[0], r.Of[1])
		case "erase":
			err = calls.DeleteArchivedCall(r.Of[0], r.Of[1])
		default:
			require.Fail(t, "the client for Go has no operation "+r.Do)
		}
		return err
	})
}

// decode fills in the client's parameters. It returns false if their types do not allow
// the values.
func (r rejectedRequest) decode(params any) bool {
	text, err := json.Marshal(r.With)
	return err == nil && json.Unmarshal(text, params) == nil
}

func (r rejectedRequest) text(name string) string {
	text, _ := r.With[name].(string)
	return text
}

// sendForm sends parameters that the types of the client's methods do not allow.
func (r rejectedRequest) sendForm(c *client.Client, method, what string) error {
	form := url.Values{}
	for name, value := range r.With {
		form.Set(name, fmt.Sprint(value))
	}
	headers := map[string]any{"Content-Type": "application/x-www-form-urlencoded"}
	res, err := c.SendRequest(method, "https://bulkexports.twilio.com/v1/Exports/"+r.Of[0]+"/"+what, form, headers)
	if err == nil {
		err = res.Body.Close()
	}
	return err
}

// configurations returns the configurations of all types.
func (n account) configurations() (all []bulkexports.BulkexportsV1ExportConfiguration) {
	n.t.Helper()
	for _, typ := range schema.ResourceTypes {
		now, err := n.BulkexportsV1.FetchExportConfiguration(string(typ))
		require.NoError(n.t, err)
		all = append(all, *now)
	}
	return all
}

func TestTwiliosGoClientGetsTheErrorOfAMissingParameter(t *testing.T) {
	t.Parallel()
	n := newAccount(t, demo.With{})
	for what, change := range map[string]func(*bulkexports.CreateExportCustomJobParams){
		"no StartDay":     func(p *bulkexports.CreateExportCustomJobParams) { p.StartDay = nil },
		"no EndDay":       func(p *bulkexports.CreateExportCustomJobParams) { p.EndDay = nil },
		"no FriendlyName": func(p *bulkexports.CreateExportCustomJobParams) { p.FriendlyName = nil },
	} {
		params := jobParams(fixture.Yesterday(), fixture.Yesterday())
		change(params)
		_, err := n.BulkexportsV1.CreateExportCustomJob("Calls", params)
		require.Error(t, err, what)
		requireRestError(t, err, http.StatusBadRequest, 20001)
	}
}
