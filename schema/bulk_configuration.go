package schema

// BulkConfiguration is an account's setting for the daily export of one type.
type BulkConfiguration struct {
	Account string       `db:"account_sid"`
	Type    ResourceType `db:"resource_type"`
	Enabled bool         `db:"enabled"`
	Hook
}

// BulkChange is a partial change of a BulkConfiguration; nil leaves a value as
// it is. It travels sealed.
type BulkChange struct {
	Enabled *bool   `json:"enabled,omitempty"`
	URL     *string `json:"url,omitempty"`
	Method  *string `json:"method,omitempty"`
}

// BulkGlance sums up the bulk exports of an account.
type BulkGlance struct {
	Jobs      int            // that have not ended
	Files     int            // that can be downloaded
	Daily     []ResourceType // exported every day
	DaysToday int            // of the quota, requested today by jobs that still have a row
}

// SealedChange is the purpose of a sealed BulkChange, as JSON.
func SealedChange(t ResourceType) string { return "bulk configuration " + string(t) }
