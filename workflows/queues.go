package workflows

// The task queues. An activity is on the queue of what it may have to wait for, so that
// a provider that accepts requests and does not answer delays only the activities that
// need it.
const (
	TaskQueue    = "satchel"         // all workflows, and short activities that use databases and Temporal alone
	StreamQueue  = "satchel-streams" // reading and writing whole categories and archives
	DayQueue     = "satchel-days"    // writing day files of bulk exports
	EmailQueue   = "satchel-emails"  // e-mails, which wait for the provider
	RemovalQueue = "satchel-removal" // deleting objects and sweeping, which wait for storage
	ArchiveQueue = "satchel-archive" // erasing calls, which waits for the platform's archive and storage
	HookQueue    = "satchel-hooks"   // webhooks, whose receivers may be slow
)

// Queues lists all task queues.
var Queues = []string{TaskQueue, StreamQueue, DayQueue, EmailQueue, RemovalQueue, ArchiveQueue, HookQueue}
