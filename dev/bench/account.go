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

// perThousand is how many of a thousand rows are in each of the large categories.
// Any other has defaultPerThousand, and calls have the rest, most of them.
var perThousand = map[schema.Category]int64{"contacts": 60, "charges": 50, "balanceTransactions": 50, "notifications": 30}

const defaultPerThousand = 2

// rowsOf distributes a total of rows over all categories that can be filled. The row
// of the account and that of its owner exist already and count.
func rowsOf(total int64) map[schema.Category]int64 {
	rows, left := map[schema.Category]int64{}, total-2
	for _, category := range demo.Fillable() {
		share, large := perThousand[category]
		if !large {
			share = defaultPerThousand
		}
		rows[category] = total * share / 1000
		left -= rows[category]
	}
	rows["calls"] += left
	return rows
}

// fill adds rows to a new account and vacuums the database, as autovacuum does in
// time.
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
	return b.vacuum(ctx)
}

func (b *bench) vacuum(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, filepath.Join(b.bin, "vacuumdb"), "--quiet", "--analyze", "--maintenance-db", b.Demo.DatabaseURL, b.Demo.DatabaseURL)
	cmd.Env = services.Environ()
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("vacuumdb: %w: %s", err, output)
	}
	return nil
}
