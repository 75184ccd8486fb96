package schema

// Actors in the audit trail besides users and API keys.
const (
	ActorSatchel  = "satchel"  // a workflow or the sweep, on its own
	ActorOperator = "operator" // a person with access to Temporal, whose name is unknown
	ActorAccount  = "account"  // the account's own credentials
)
