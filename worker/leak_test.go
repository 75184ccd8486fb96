package main

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"satchel/activities"
	"satchel/dev/demo"
	"satchel/schema"
)

// ours are the goroutines that run code of the hands.
func ours() (n int) {
	stacks := make([]byte, 4<<20)
	for stack := range strings.SplitSeq(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
		if strings.Contains(stack, "satchel/activities.") && !strings.Contains(stack, "satchel/worker.ours") {
			n++
		}
	}
	return n
}

// gappy is a vault that has lost a piece.
type gappy struct {
	activities.Vault
	lost string
}

func (v gappy) Unlock(ctx context.Context, wrapped []byte, account, export string) (activities.Opener, error) {
	opener, err := v.Vault.Unlock(ctx, wrapped, account, export)
	return gappyOpener{opener, v.lost}, err
}

type gappyOpener struct {
	activities.Opener
	lost string
}

func (o gappyOpener) Get(ctx context.Context, key string, buf []byte) ([]byte, error) {
	if key == o.lost {
		return nil, context.DeadlineExceeded
	}
	return o.Opener.Get(ctx, key, buf)
}

func TestAnArchiveThatCannotBeMadeLeavesNothingRunning(t *testing.T) {
	r := newRig(t, demo.With{}, map[schema.Category]int64{"calls": 40_000})
	r.confirm()
	r.collectAll()
	sections, err := r.store.Sections(t.Context(), r.export)
	require.NoError(t, err)
	for _, s := range sections {
		if s.Category != "calls" {
			continue
		}
		require.Greater(t, len(s.Pieces), 3)
		for _, p := range s.Pieces[:3] {
			r.Vault = gappy{vaultPort{r.vault}, p.ObjectKey}
			require.Error(t, r.run(r.AssembleArchive, activities.Assemble{Export: r.export, Account: r.account.AccountSID}, nil))
		}
	}
	require.Eventually(t, func() bool { return ours() == 0 }, 10*time.Second, 20*time.Millisecond)
	r.Vault = vaultPort{r.vault}
	r.complete()
	r.document()
}
