package workflows

import "go.temporal.io/sdk/temporal"

// Search attributes of runs.
var (
	AccountAttribute = temporal.NewSearchAttributeKeyKeyword("ExportAccount")
	StatusAttribute  = temporal.NewSearchAttributeKeyKeyword("ExportStatus")
)
