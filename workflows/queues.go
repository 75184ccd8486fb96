package workflows

// The task queues. Long and slow activities have queues of their own, so that no e-mail
// and no removal waits behind them.
const (
	TaskQueue   = "satchel"         // all workflows, and short activities
	StreamQueue = "satchel-streams" // reading and writing whole categories and archives
	DayQueue    = "satchel-days"    // writing day files of bulk exports
	HookQueue   = "satchel-hooks"   // webhooks, whose receivers may be slow
)

// Queues lists all task queues.
var Queues = []string{TaskQueue, StreamQueue, DayQueue, HookQueue}
