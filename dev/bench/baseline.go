package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"satchel/dev/services"
	"satchel/schema"
	"satchel/schema/catalog"
)

// baseline copies each category to a file with psql's copy and gzip -1, one after
// the other. It returns how long that took.
func (b *bench) baseline(ctx context.Context, account string) (time.Duration, error) {
	began := time.Now()
	for _, category := range schema.Categories {
		rows := selectOf(b.queries.Query(category), b.queries.Columns(category), quote(account))
		if err := b.copyBaseline(ctx, rows, string(category)); err != nil {
			return 0, err
		}
	}
	return time.Since(began), nil
}

// baselineDays does the same for the days of a type, with a file for each.
func (b *bench) baselineDays(ctx context.Context, account string, t schema.ResourceType, days []schema.Day) (time.Duration, error) {
	began := time.Now()
	for _, day := range days {
		from, to := day.Begins(), day.Plus(1).Begins()
		rows := selectOf(b.queries.Day(t), b.queries.DayColumns(t), quote(account), timestamp(from), timestamp(to), "array[]::text[]")
		if err := b.copyBaseline(ctx, rows, string(day)); err != nil {
			return 0, err
		}
	}
	return time.Since(began), nil
}

// selectOf returns the catalog's query without _key and with literals for its
// parameters.
func selectOf(query string, columns []catalog.Column, literals ...string) string {
	names := make([]string, len(columns))
	for i, column := range columns {
		names[i] = `"` + strings.ReplaceAll(column.Name, `"`, `""`) + `"`
	}
	for i, literal := range literals {
		query = strings.ReplaceAll(query, fmt.Sprint("$", i+1), literal)
	}
	return "select " + strings.Join(names, ", ") + " from (\n" + query + "\n) q"
}

func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

func timestamp(at time.Time) string { return "timestamptz " + quote(at.Format(time.RFC3339)) }

// copyBaseline runs: psql -c "copy (select row_to_json(q) from (…) q) to stdout" | gzip -1 > file.
func (b *bench) copyBaseline(ctx context.Context, rows, name string) error {
	file, err := os.Create(filepath.Join(b.scratch(), name+".json.gz"))
	if err != nil {
		return err
	}
	defer file.Close()
	from, to, err := os.Pipe()
	if err != nil {
		return err
	}
	defer from.Close()
	defer to.Close()
	var output bytes.Buffer
	psql := exec.CommandContext(ctx, filepath.Join(b.bin, "psql"), "--no-psqlrc", "--dbname", b.Demo.DatabaseURL,
		"--command", "copy (select row_to_json(q) from ("+rows+") q) to stdout")
	psql.Env, psql.Stdout, psql.Stderr = services.Environ(), to, &output
	gzip := exec.CommandContext(ctx, "gzip", "-1")
	gzip.Stdin, gzip.Stdout, gzip.Stderr = from, file, &output
	if err := gzip.Start(); err != nil {
		return fmt.Errorf("start gzip: %w", err)
	}
	if err := psql.Start(); err != nil {
		to.Close()
		_ = gzip.Wait() // its input has ended
		return fmt.Errorf("start psql: %w", err)
	}
	to.Close() // now psql is the only writer, and gzip ends with it
	if err := psql.Wait(); err != nil {
		_ = gzip.Wait() // psql's error says more
		return fmt.Errorf("psql of %s: %w: %s", name, err, output.String())
	}
	if err := gzip.Wait(); err != nil {
		return fmt.Errorf("gzip of %s: %w: %s", name, err, output.String())
	}
	return nil
}
