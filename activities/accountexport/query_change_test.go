package accountexport_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/activities/accountexport"
	"satchel/dev/demo"
	"satchel/schema"
	"satchel/schema/catalog"
	"satchel/schema/store/source"
)

// platformWith reads the platform with the built-in catalog in which a text of one file
// is replaced.
func (r *fixture) platformWith(file, old, replacement string) *source.Platform {
	r.t.Helper()
	dir := r.t.TempDir()
	require.NoError(r.t, os.CopyFS(dir, os.DirFS("../../schema/catalog")))
	require.NoError(r.t, os.CopyFS(filepath.Join(dir, "directory"), os.DirFS("../../schema/directory")))
	require.NoError(r.t, os.CopyFS(filepath.Join(dir, "days"), os.DirFS("../../schema/days")))
	path := filepath.Join(dir, file)
	text, err := os.ReadFile(path)
	require.NoError(r.t, err)
	require.Contains(r.t, string(text), old)
	require.NoError(r.t, os.WriteFile(path, []byte(strings.Replace(string(text), old, replacement, 1)), 0o600))
	queries, err := catalog.Open(dir)
	require.NoError(r.t, err)
	db, err := source.Open(r.t.Context(), r.url, 4)
	require.NoError(r.t, err)
	r.t.Cleanup(func() { require.NoError(r.t, db.Close()) })
	return source.NewPlatform(db, queries)
}

// requireCallsOfOneShape requires that the archive has so many calls, each once, and all
// with the same fields.
func (r *fixture) requireCallsOfOneShape(want int) (fields string) {
	r.t.Helper()
	var calls []map[string]json.RawMessage
	require.NoError(r.t, json.Unmarshal(parse(r.t, r.document()).Data["calls"], &calls))
	seen, shapes := map[string]bool{}, map[string]int{}
	for _, c := range calls {
		seen[string(c["sid"])] = true
		var names []string
		for _, name := range []string{"status", "state"} {
			if _, ok := c[name]; ok {
				names = append(names, name)
			}
		}
		fields = strings.Join(names, ",")
		shapes[fields]++
	}
	require.Len(r.t, calls, want)
	require.Len(r.t, seen, want)
	require.Len(r.t, shapes, 1, "%v", shapes)
	return fields
}

func TestACategoryWhoseQueryChangesMidwayHasOneShapeAndEveryRecordOnce(t *testing.T) {
	const calls = 300
	for name, change := range map[string]struct {
		file, old, replacement, fields string
	}{
		"another field": {"calls.sql", `c.status as "status"`, `c.status as "state"`, "state"},
		"another key":   {"calls.sql", `c.id as _key`, `'k' || c.sid as _key`, "status"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newFixture(t, demo.With{}, map[schema.Category]int64{"calls": calls})
			r.enlargeCalls()
			faulty := &faultyVault{Vault: r.Vault}
			r.Vault = faulty
			r.confirm()
			faulty.left.Store(1)
			require.Error(t, r.collect("calls"))
			before, err := r.store.Checkpoint(t.Context(), r.export, "calls")
			require.NoError(t, err)
			require.Positive(t, before.Records)

			faulty.left.Store(100)
			r.Source = r.platformWith(change.file, change.old, change.replacement)
			r.collectAll()
			r.complete()
			require.Equal(t, change.fields, r.requireCallsOfOneShape(calls))
		})
	}
}

func TestAColumnOfAnotherTypeBeginsACategoryAnew(t *testing.T) {
	const calls = 300
	r := newFixture(t, demo.With{}, map[schema.Category]int64{"calls": calls})
	r.enlargeCalls()
	faulty := &faultyVault{Vault: r.Vault}
	r.Vault = faulty
	r.confirm()
	faulty.left.Store(1)
	require.Error(t, r.collect("calls"))
	r.exec(`alter table platform.calls alter column duration type text`)
	r.exec(`alter table platform.calls_archive alter column duration type text`)
	faulty.left.Store(100)
	if r.collect("calls") != nil { // this attempt found that the types have changed
		require.NoError(t, r.collect("calls"))
	}
	r.collectAll()
	r.complete()
	var records []struct{ Duration any }
	require.NoError(t, json.Unmarshal(parse(t, r.document()).Data["calls"], &records))
	require.Len(t, records, calls)
	for _, c := range records {
		_, isNumber := c.Duration.(float64)
		require.False(t, isNumber)
	}
}

// heldVault holds the first Put until it is let go.
type heldVault struct {
	accountexport.Vault
	puts    atomic.Int64
	holding chan struct{}
	letGo   chan struct{}
}

func (v *heldVault) Put(ctx context.Context, key, recipient string, body []byte) error {
	if v.puts.Add(1) == 2 {
		close(v.holding)
		<-v.letGo
	}
	return v.Vault.Put(ctx, key, recipient, body)
}

func TestTwoAttemptsAliveAtOnceWithDifferentQueriesLoseNothingAndDoubleNothing(t *testing.T) {
	const calls = 300
	r := newFixture(t, demo.With{}, map[schema.Category]int64{"calls": calls})
	r.enlargeCalls()
	r.confirm()
	held := &heldVault{Vault: r.Vault, holding: make(chan struct{}), letGo: make(chan struct{})}
	old := &accountexport.Activities{Store: r.store, Source: r.Source, Vault: held, Count: r.count, PieceSize: r.PieceSize}
	r.Source = r.platformWith("calls.sql", `c.status as "status"`, `c.status as "state"`)

	ended := make(chan error, 1)
	go func() {
		ended <- (&fixture{Activities: old, emails: r.emails, t: t}).run(old.CollectCategory,
			accountexport.CollectCategoryInput{Export: r.export, Account: r.account.AccountSID, Category: "calls"}, nil)
	}()
	select {
	case <-held.holding: // it has added a piece and is about to store the next
	case err := <-ended:
		t.Fatalf("the old attempt ended: %v", err)
	}
	require.NoError(t, r.collect("calls"))
	close(held.letGo)
	require.ErrorContains(t, <-ended, "gone further")
	r.collectAll()
	r.complete()
	require.Equal(t, "state", r.requireCallsOfOneShape(calls))
}
