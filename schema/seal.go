package schema

// What is encrypted with the deployment's key ("sealed") is bound to its account
// and to one purpose, so that it cannot be opened for another. These are the
// purposes.

// SealedToken is the purpose of an account's auth token, which signs its webhooks.
const SealedToken = "auth token"

// SealedJob is the purpose of the JobRequest of a job, as JSON.
func SealedJob(job string) string { return "bulk job " + job }

// SealedChange is the purpose of a BulkChange of a resource type, as JSON.
func SealedChange(t ResourceType) string { return "bulk configuration " + string(t) }
