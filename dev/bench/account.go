package bench

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	"satchel/dev/demo"
	"satchel/dev/services"
	"satchel/schema"
)

// spread is how many of a thousand rows are in each category: calls dominate.
var spread = map[schema.Category]int64{
	"calls": 800, "contacts": 60, "charges": 50, "balanceTransactions": 50, "notifications": 30,
	"users": 2, "flows": 2, "phoneNumbers": 2, "voipProviders": 1, "callSchedules": 1, "campaigns": 2,
}

// rowsOf spreads so many rows over the categories, the account itself and its
// owner among them.
func rowsOf(total int64) map[schema.Category]int64 {
	rows, left := map[schema.Category]int64{}, total-2
	for category, share := range spread {
		if category != "calls" {
			rows[category] = total * share / 1000
			left -= rows[category]
		}
	}
	rows["calls"] = left
	return rows
}

// fill gives a new account its rows, and leaves the tables as a database has
// them that has stood for a while: counted, and nothing left to tidy up.
func (b *bench) fill(ctx context.Context, account string, rows int64) error {
	b.say("Filling an account with %s rows.", grouped(rows))
	last := time.Now()
	if err := demo.Fill(ctx, b.Demo.DatabaseURL, account, rowsOf(rows), func(line string) {
		if time.Since(last) > 10*time.Second {
			last = time.Now()
			b.say("  %s", line)
		}
	}); err != nil {
		return err
	}
	return b.tidy(ctx)
}

func (b *bench) tidy(ctx context.Context) error {
	tidy := exec.CommandContext(ctx, filepath.Join(b.bin, "vacuumdb"), "--quiet", "--analyze", "--maintenance-db", b.Demo.DatabaseURL, b.Demo.DatabaseURL)
	tidy.Env = services.Environ()
	if output, err := tidy.CombinedOutput(); err != nil {
		return fmt.Errorf("vacuumdb: %w: %s", err, output)
	}
	return nil
}
