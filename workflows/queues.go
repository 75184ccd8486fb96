package workflows

// TaskQueue runs all workflows, and activities that take moments. Reading and
// writing whole categories and archives takes as long as an account is large: it
// has a queue of its own, so that no e-mail and no removal waits behind it. So have
// the day files of bulk exports, and webhooks, whose receivers may be slow.
const (
	TaskQueue   = "satchel"
	StreamQueue = "satchel-streams"
	DayQueue    = "satchel-days"
	HookQueue   = "satchel-hooks"
)

// Queues lists all task queues.
var Queues = []string{TaskQueue, StreamQueue, DayQueue, HookQueue}
