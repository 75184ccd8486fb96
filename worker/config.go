package main

import (
	"log/slog"
	"time"

	"satchel/activities/mail"
	"satchel/activities/program"
)

// config is the worker's configuration, by flag or environment. The address of
// Temporal comes from Temporal's own TEMPORAL_… variables.
type config struct {
	LogLevel slog.Level `name:"log-level" env:"LOG_LEVEL" default:"info" placeholder:"LEVEL" help:"Least level that is logged: debug, info, warn or error (${default})."`

	Run     runCommand     `cmd:"" default:"withargs" help:"Run workflows and activities (the default)."`
	Migrate migrateCommand `cmd:"" help:"Bring the database up to date, and end."`
	Keyset  keysetCommand  `cmd:"" help:"Write a new keyset for KEYSET_FILE, and end."`
}

// runCommand runs the worker.
type runCommand struct {
	program.Data  `embed:""`
	program.Links `embed:""`

	ArchiveDatabaseURL string `name:"archive-database-url" env:"ARCHIVE_DATABASE_URL" help:"PostgreSQL URL of the platform's archive of old calls, by a role that may delete from it: calls that customers erase are deleted there. Where not set, none can be erased. Secret."`

	Mail mail.Config `embed:""`

	program.Bulk `embed:""`
	DailyDelay   time.Duration `env:"DAILY_DELAY" default:"15m" help:"How long after midnight UTC the daily bulk export of the day that ended is made."`
	DaysAtOnce   int           `env:"DAYS_AT_ONCE" default:"6" help:"Day files of bulk exports written at once."`
	HooksAtOnce  int           `env:"HOOKS_AT_ONCE" default:"32" help:"Webhooks delivered at once. A receiver may take 15 seconds to answer."`

	MetricsAddress string        `name:"metrics-address" env:"METRICS_ADDRESS" default:"127.0.0.1:9091" help:"Where /metrics, /healthz and /readyz are served."`
	Concurrency    int           `env:"CONCURRENCY" default:"24" help:"Categories and archives read or written at once. To each database there may be DAYS_AT_ONCE and 16 connections more than that, for everything else."`
	StopGrace      time.Duration `env:"STOP_GRACE" default:"20s" help:"How long running activities may go on after SIGTERM."`
	GCPercent      int           `name:"gogc" env:"GOGC" default:"50" help:"By how many percent the heap may grow before garbage is collected: less takes less memory and more of the processor."`
	SweepEvery     time.Duration `env:"SWEEP_EVERY" default:"15m" help:"How often the sweeps run."`
	SweepGrace     time.Duration `env:"SWEEP_GRACE" default:"10m" help:"How long something must be overdue before a sweep handles it."`
	Dev            bool          `env:"DEV" help:"Accept keys that were made for one machine."`
}

// migrateCommand applies migrations.
type migrateCommand struct {
	program.Database `embed:""`

	Platform bool `help:"Also make the platform's own tables, for one machine without a platform."`
}

// keysetCommand writes a keyset.
type keysetCommand struct {
	File string `arg:"" help:"File to write; it must not exist."`
	Dev  bool   `help:"Mark the keyset as made for one machine: without --dev nothing starts with it."`
}
