package main

import (
	"encoding/json"
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"satchel/activities/mail"
	"satchel/activities/vault"
	"satchel/dev/demo"
	"satchel/schema"
	"satchel/workflows"
	exportworkflows "satchel/workflows/accountexport"
	bulkworkflows "satchel/workflows/bulkexport"
	workflowclient "satchel/workflows/client"
)

// silence accepts connections and never answers.
type silence struct {
	net.Listener
	accepted atomic.Int64
}

func newSilence(t *testing.T) *silence {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &silence{Listener: listener}
	t.Cleanup(func() { require.NoError(t, listener.Close()) })
	go func() {
		for {
			if _, err := listener.Accept(); err != nil {
				return
			}
			s.accepted.Add(1)
		}
	}()
	return s
}

func (s *silence) url() string { return "http://" + s.Addr().String() }

// await waits until so many connections are open.
func (s *silence) await(t *testing.T, connections int64) {
	t.Helper()
	require.Eventually(t, func() bool { return s.accepted.Load() >= connections }, time.Minute, 20*time.Millisecond)
}

// silence replaces storage and the e-mail provider by ones that never answer.
func (r *fixture) silence() (storage, provider *silence) {
	storage, provider = newSilence(r.t), newSilence(r.t)
	keyset := filepath.Join(r.t.TempDir(), "keyset.json")
	require.NoError(r.t, vault.WriteDevelopmentKeyset(keyset))
	silent, err := vault.Open(r.t.Context(), vault.Config{Bucket: "silent", Endpoint: storage.url(), KeysetFile: keyset})
	require.NoError(r.t, err)
	r.t.Cleanup(silent.Close)
	r.vault, r.exports.Vault, r.bulk.Vault, r.bulk.Secrets = silent, silent, silent, silent
	r.emails.Mail, err = mail.New(mail.Config{APIKey: "re_test", BaseURL: provider.url(), From: "Satchel <exports@example.com>"})
	require.NoError(r.t, err)
	return storage, provider
}

func (r *fixture) newAccount() demo.Account {
	r.t.Helper()
	account, err := demo.NewAccount(r.t.Context(), r.url, demo.With{})
	require.NoError(r.t, err)
	return account
}

func (r *fixture) request(c client.Client, account demo.Account) exportworkflows.AccountExportInput {
	r.t.Helper()
	in := exportworkflows.AccountExportInput{ID: schema.NewExportID(), Account: account.AccountSID, RequestedBy: account.As(schema.Owner).ID,
		RequestedAt: time.Now().UTC(), Windows: schema.DefaultWindows()}
	_, err := workflowclient.StartAccountExport(r.t.Context(), c, in)
	require.NoError(r.t, err)
	return in
}

func (r *fixture) awaitStatus(in exportworkflows.AccountExportInput, statuses ...schema.Status) {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		e, err := r.store.Export(r.t.Context(), in.ID)
		if err != nil {
			return false
		}
		for _, status := range statuses {
			if e.Status == status {
				return true
			}
		}
		return false
	}, 20*time.Second, 20*time.Millisecond, statuses)
}

// storedDayFile writes a row of a day file as if its object were stored.
func (r *fixture) storedDayFile(account string) schema.DayFile {
	r.t.Helper()
	f := schema.DayFile{ID: schema.NewDayFileID(), Account: account, Type: schema.Calls, Day: "2026-03-01"}
	require.NoError(r.t, r.store.SQL().QueryRow(`insert into satchel.day_files (account_sid, resource_type, day, id, wrapped, records, size, sha256, expires_at)
		values ($1, $2, $3, $4, 'wrapped', 1, 1, 'ab', now() + interval '7 days') returning expires_at`, account, f.Type, f.Day, f.ID).Scan(&f.ExpiresAt))
	return f
}

func TestNothingWaitsBehindStorageAndMailThatAcceptAndDoNotAnswer(t *testing.T) {
	s := newStubFixture(t)
	r := newFixture(t)
	storage, provider := r.silence()
	r.work(s.Client, 1)

	for range 3 * steps { // three times as many as there are slots for anything
		in := r.request(s.Client, r.newAccount()) // whose e-mails wait
		r.awaitStatus(in, schema.Pending)
		f := r.storedDayFile(in.Account)
		removal := bulkworkflows.DayFileRemovalInput{File: f.ID, Account: f.Account, Type: f.Type, Day: f.Day, ExpiresAt: f.ExpiresAt, By: "US-by"}
		_, err := s.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: workflows.DayFileRemovalID(f.ID), TaskQueue: workflows.TaskQueue}, bulkworkflows.DayFileRemoval, removal)
		require.NoError(t, err)
	}
	storage.await(t, steps)
	provider.await(t, steps)

	// Exports of others open, are confirmed, and are stopped.
	in := r.request(s.Client, r.newAccount())
	r.awaitStatus(in, schema.Pending)
	s.signal(in, exportworkflows.Confirmed)
	r.awaitStatus(in, schema.Confirmed, schema.Processing)
	s.signal(in, exportworkflows.Cancelled)
	r.awaitStatus(in, schema.Cancelled)
	_, err := r.store.WrappedKey(t.Context(), in.ID)
	require.Equal(t, schema.Gone, schema.KindOf(err), "what was stored is unreadable")
	unconfirmed := r.request(s.Client, r.newAccount())
	s.signal(unconfirmed, exportworkflows.Cancelled)
	r.awaitStatus(unconfirmed, schema.Cancelled)

	// Jobs of others open, and are stopped, while their callers wait.
	job, account := schema.NewJobID(), r.newAccount().AccountSID
	request, err := json.Marshal(schema.JobRequest{Name: "a job"})
	require.NoError(t, err)
	sealed, err := r.vault.Seal(t.Context(), request, account, schema.SealedJob(job))
	require.NoError(t, err)
	require.NoError(t, workflowclient.OpenBulkJob(t.Context(), s, bulkworkflows.BulkJobInput{
		ID: job, Account: account, QuotaAccount: account, Type: schema.Calls, Start: "2026-03-01", End: "2026-03-02", Sealed: sealed, Until: time.Now().Add(time.Minute),
	}))
	require.NoError(t, workflowclient.StopBulkJob(t.Context(), s, job, "US-by"))

	// Files of others become unreadable at once, though their objects cannot be deleted yet.
	f := r.storedDayFile(account)
	_, err = s.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: workflows.DayFileRemovalID(f.ID), TaskQueue: workflows.TaskQueue}, bulkworkflows.DayFileRemoval,
		bulkworkflows.DayFileRemovalInput{File: f.ID, Account: f.Account, Type: f.Type, Day: f.Day, ExpiresAt: f.ExpiresAt, By: "US-by"})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, _, err := r.store.OpenDayFile(t.Context(), f.ID)
		return schema.KindOf(err) == schema.NotFound
	}, 20*time.Second, 20*time.Millisecond)
}
