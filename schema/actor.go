package schema

// Actors in the audit trail besides users and API keys.
const (
	ActorSatchel  = "satchel"  // the system itself, when something is due
	ActorOperator = "operator" // someone with access to Temporal, who gave no name
	ActorAccount  = "account"  // the account's own credentials
)
