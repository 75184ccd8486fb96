package schema

import "time"

// ExportVersion is the version of the archive's contract with the customer.
const ExportVersion = "1.0"

// Windows are the durations that an export promises. They travel in the
// workflow's input, so an export keeps the windows it began with.
type Windows struct {
	Confirm  time.Duration // from the request until an unconfirmed export expires
	Download time.Duration // from completion until the archive is removed
	Cooldown time.Duration // from completion until the next export may be requested
	Collect  time.Duration // how long a category is retried before the export fails
}

// DefaultWindows are a day each, and half a day of retries for a category.
func DefaultWindows() Windows {
	return Windows{Confirm: 24 * time.Hour, Download: 24 * time.Hour, Cooldown: 24 * time.Hour, Collect: 12 * time.Hour}
}

// WithDefaults returns the windows with the default for every one that is missing, so
// that an input without one neither ends anything at once nor keeps it forever.
func (w Windows) WithDefaults() Windows {
	defaults := DefaultWindows()
	for _, window := range []struct{ value, fallback *time.Duration }{
		{&w.Confirm, &defaults.Confirm}, {&w.Download, &defaults.Download}, {&w.Cooldown, &defaults.Cooldown}, {&w.Collect, &defaults.Collect},
	} {
		if *window.value <= 0 {
			*window.value = *window.fallback
		}
	}
	return w
}

// Export is one account export as its row holds it. Pointers are nil until what
// they record has happened.
type Export struct {
	ID               string             `db:"id"`
	Account          string             `db:"account_sid"`
	RequestedBy      string             `db:"requested_by"` // user ID, "" for the account's own credentials
	Status           Status             `db:"status"`
	Reason           string             `db:"reason"`
	FailedCategory   Category           `db:"failed_category"`
	RequestedAt      time.Time          `db:"requested_at"`
	ConfirmBy        time.Time          `db:"confirm_by"`
	ConfirmedAt      *time.Time         `db:"confirmed_at"`
	CompletedAt      *time.Time         `db:"completed_at"`
	EndedAt          *time.Time         `db:"ended_at"`
	ExpiresAt        *time.Time         `db:"expires_at"`
	AvailableAgainAt *time.Time         `db:"available_again_at"`
	Size             *int64             `db:"size"`   // bytes of the JSON document
	SHA256           *string            `db:"sha256"` // hex, of the JSON document
	LinkVersion      int                `db:"link_version"`
	Categories       []CategoryProgress `db:"-"`
}

// OverdueExport is an export that should have moved on by now.
type OverdueExport struct {
	Export
	HandledByWorkflow bool `db:"handled_by_workflow"` // if its own workflow is open, that workflow moves it on
}

// ExportState is what the database knows of an export, to compare with its run.
type ExportState struct {
	Status  Status `db:"status"`
	Removed bool   `db:"removed"` // a while ago, and certified
}

// CategoryProgress is the progress of one category of an export. It never goes
// backwards, whatever crashes.
type CategoryProgress struct {
	Name     Category       `db:"category"`
	Status   CategoryStatus `db:"status"`
	Records  int64          `db:"records"`
	Expected *int64         `db:"expected_records"` // nil until counted; an estimate for large categories
	Bytes    int64          `db:"bytes"`            // of JSON text
}

// NewExport is an export to be created.
type NewExport struct {
	Export      string
	Account     string
	RequestedBy string // user ID, or "" for the account's own credentials
	RequestedAt time.Time
	ConfirmBy   time.Time
	Categories  []Category // empty means all
}

// Archive is the finished file of an export.
type Archive struct {
	ObjectKey  string `db:"archive_key"`
	Size       int64  `db:"size"`        // of the JSON document
	SHA256     string `db:"sha256"`      // hex, of the JSON document
	GzipSize   int64  `db:"gzip_size"`   // of the document as stored, inside the seal
	GzipSHA256 string `db:"gzip_sha256"` // hex
}

// Certificate is the proof of a removal: how much was deleted, and how much a
// second listing still found.
type Certificate struct {
	Objects  int `json:"objects"`
	Versions int `json:"versions"`
	Uploads  int `json:"uploads"`
	Left     int `json:"left"`
}

// Segment is a position in the archive at which reading can begin: a new deflate
// stream starts at GzipOffset and inflates to the text from TextOffset on.
type Segment struct {
	TextOffset int64 `db:"text_offset"`
	GzipOffset int64 `db:"gzip_offset"`
}

// Ending is how an export ends.
type Ending struct {
	Status   Status
	Reason   string
	Category Category // the one that failed, else ""
}
