package schema

// BulkConfiguration is an account's setting for the daily export of one type.
type BulkConfiguration struct {
	Account string       `db:"account_sid"`
	Type    ResourceType `db:"resource_type"`
	Enabled bool         `db:"enabled"`
	Hook
}

// BulkChange is a partial change of a BulkConfiguration; nil leaves a value as
// it is. Workflow histories hold it sealed only, because a URL may hold a secret.
type BulkChange struct {
	Enabled *bool   `json:"enabled,omitempty"`
	URL     *string `json:"url,omitempty"`
	Method  *string `json:"method,omitempty"`
}

// AccountSummary sums up the bulk exports of an account.
type AccountSummary struct {
	Jobs      int            // not ended
	Files     int            // available for download
	Daily     []ResourceType // exported every day
	DaysToday int            // of the quota, requested today by jobs that still have a row
}
