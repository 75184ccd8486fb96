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
	Erase   eraseCommand   `cmd:"" help:"Erase a person or an account from Satchel's own tables, and end. Without --yes it only counts. DATABASE_URL is that of the tables' owner."`
	Keyset  keysetCommand  `cmd:"" help:"Write a new keyset for KEYSET_FILE, and end."`
}

// runCommand runs the worker.
type runCommand struct {
	program.Data  `embed:""`
	program.Links `embed:""`
	program.Brand `embed:""`

	ArchiveDatabaseURL string `name:"archive-database-url" env:"ARCHIVE_DATABASE_URL" help:"PostgreSQL URL of the platform's archive of old calls, by a role that may delete from it: calls that customers erase are deleted there. Where not set, none can be erased. Secret."`

	Mail mail.Config `embed:""`

	program.Bulk    `embed:""`
	DailyDelay      time.Duration `env:"DAILY_DELAY" default:"15m" help:"How long after midnight UTC the daily bulk export of the day that ended is made."`
	DayGrace        time.Duration `env:"DAY_GRACE" default:"5m" help:"How long after the end of a UTC day its records may still be committed to the platform's database; a standby must have replayed until then. A day's file is not read earlier."`
	DayReplay       bool          `name:"day-replay" env:"DAY_REPLAY" default:"true" negatable:"" help:"Read a day from a standby only once the standby says that it has replayed the day. Switch it off for a database that looks like a standby and does not tell; then the clock alone decides."`
	DaysAtOnce      int           `env:"DAYS_AT_ONCE" default:"6" help:"Day files of bulk exports written at once."`
	HooksAtOnce     int           `env:"HOOKS_AT_ONCE" default:"32" help:"Webhooks delivered at once. A receiver may take 15 seconds to answer."`
	HooksPerAccount int           `env:"HOOKS_PER_ACCOUNT" default:"4" help:"Webhooks of one account delivered at once by this process; others of it wait."`

	StepsAtOnce    int `env:"STEPS_AT_ONCE" default:"16" help:"Short steps taken at once: those that use databases and Temporal alone."`
	EmailsAtOnce   int `env:"EMAILS_AT_ONCE" default:"16" help:"E-mail runs at once, one for each export or job. The provider may take 20 seconds to answer."`
	RemovalsAtOnce int `env:"REMOVALS_AT_ONCE" default:"16" help:"Exports and day files deleted at once. While storage does not answer, nothing but other deletions waits for them."`
	ErasuresAtOnce int `env:"ERASURES_AT_ONCE" default:"4" help:"Erasures of calls in the platform's archive at once, and connections to it."`

	MaxRecordBytes   int64         `env:"MAX_RECORD_BYTES" default:"16777216" help:"Size above which a record of the platform is not read: its export or day fails, and the log names the record. The worker needs about eight times as much memory for one."`
	SourceStallLimit time.Duration `env:"SOURCE_STALL_LIMIT" default:"10m" help:"How long the platform's database may send nothing while it is read. Then the connection is closed and the read is tried again."`

	history `embed:""`

	MetricsAddress string        `name:"metrics-address" env:"METRICS_ADDRESS" default:"127.0.0.1:9091" help:"Where /metrics, /healthz and /readyz are served."`
	HealthAddress  string        `name:"health-address" env:"HEALTH_ADDRESS" help:"Where /healthz and /readyz are served, too, without /metrics: for probes from other hosts, such as :8081. Nowhere else if not set."`
	Concurrency    int           `env:"CONCURRENCY" default:"24" help:"Categories and archives read or written at once. To each database there may be DAYS_AT_ONCE and STEPS_AT_ONCE connections more than that, for everything else."`
	StopGrace      time.Duration `env:"STOP_GRACE" default:"20s" help:"How long running activities may go on after SIGTERM."`
	GCPercent      int           `name:"gogc" env:"GOGC" default:"50" help:"By how many percent the heap may grow before garbage is collected: less takes less memory and more of the processor."`
	SweepEvery     time.Duration `env:"SWEEP_EVERY" default:"15m" help:"How often the sweeps run."`
	SweepGrace     time.Duration `env:"SWEEP_GRACE" default:"10m" help:"How long something must be overdue before a sweep handles it."`
	Dev            bool          `env:"DEV" help:"Accept keys that were made for one machine."`
}

// history is how long the rows of what is over are kept.
type history struct {
	HistoryRetention time.Duration `name:"history-retention" env:"HISTORY_RETENTION" default:"17520h" placeholder:"TIME" help:"How long an export is listed after it has ended, and a daily export's setting kept after it was switched off (${default}, two years)."`
	AuditRetention   time.Duration `name:"audit-retention" env:"AUDIT_RETENTION" default:"26280h" placeholder:"TIME" help:"How long the audit trail is kept; a year (8760h) at least (${default}, three years)."`
}

// migrateCommand applies migrations.
type migrateCommand struct {
	program.Database `embed:""`

	Platform bool `help:"Also make the platform's own tables, for one machine without a platform."`
}

// eraseCommand erases a person or an account from our own tables.
type eraseCommand struct {
	program.Database `embed:""`

	Account string `xor:"who" required:"" placeholder:"ID" help:"Account whose rows are deleted. Its audit trail stays, without its ID, its people and its calls."`
	User    string `xor:"who" required:"" placeholder:"ID" help:"Person who is erased from all rows. What they did stays in the audit trail under a random name."`
	Yes     bool   `help:"Erase. Without this flag the command says how many rows there are, and changes nothing."`
}

// keysetCommand writes a keyset.
type keysetCommand struct {
	File string `arg:"" help:"File to write; it must not exist."`
	Dev  bool   `help:"Mark the keyset as made for one machine: without --dev nothing starts with it."`
}
