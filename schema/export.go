package schema

import "time"

// ExportVersion is the version of the archive's contract with the customer.
const ExportVersion = "1.0"

// Windows are an export's promises about hours. They travel in the workflow's
// input, so an export keeps the windows it began with.
type Windows struct {
	Confirm  time.Duration // from the request until an unconfirmed export lapses
	Download time.Duration // from completion until the archive is removed
	Cooldown time.Duration // from completion until the next export may be asked for
	Collect  time.Duration // how long a category may keep failing before the export fails
}

// DefaultWindows are a day each, and half a day of patience with a category.
func DefaultWindows() Windows {
	return Windows{Confirm: 24 * time.Hour, Download: 24 * time.Hour, Cooldown: 24 * time.Hour, Collect: 12 * time.Hour}
}

// Filled has the default for every window that is missing, so that an input
// that forgot one neither ends anything at once nor keeps it for ever.
func (w Windows) Filled() Windows {
	usual := DefaultWindows()
	for _, window := range []struct{ has, wants *time.Duration }{
		{&w.Confirm, &usual.Confirm}, {&w.Download, &usual.Download}, {&w.Cooldown, &usual.Cooldown}, {&w.Collect, &usual.Collect},
	} {
		if *window.has <= 0 {
			*window.has = *window.wants
		}
	}
	return w
}

// Export is one account export as its row tells it. Pointers are nil until
// the thing they tell has happened.
type Export struct {
	ID               string             `db:"id"`
	Account          string             `db:"account_sid"`
	RequestedBy      string             `db:"requested_by"` // user ID, "" where the account's own credentials asked
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
	Generation       int                `db:"link_version"`
	Categories       []CategoryProgress `db:"-"`
}

// Overdue is an export that should be further than it is.
type Overdue struct {
	Export
	LeftToRun bool `db:"left_to_run"` // it is its own run's to go on with, if that is open
}

// CategoryProgress tells how far one category of an export has come. It never
// goes backwards, whatever crashes.
type CategoryProgress struct {
	Name     Category       `db:"category"`
	Status   CategoryStatus `db:"status"`
	Records  int64          `db:"records"`
	Expected *int64         `db:"expected_records"` // nil until counted; an estimate for large categories
	Bytes    int64          `db:"bytes"`            // of JSON text
}

// Opening is what is known of an export when it is asked for.
type Opening struct {
	Export      string
	Account     string
	RequestedBy string // user ID, or "" where the account's own credentials asked
	RequestedAt time.Time
	ConfirmBy   time.Time
	Categories  []Category // all where there are none
}

// Archive is the finished file of an export.
type Archive struct {
	ObjectKey  string `db:"archive_key"`
	Size       int64  `db:"size"`        // of the JSON document
	SHA256     string `db:"sha256"`      // hex, of the JSON document
	GzipSize   int64  `db:"gzip_size"`   // of the document as stored, inside the seal
	GzipSHA256 string `db:"gzip_sha256"` // hex
}

// Certificate is what removal proved: how much was deleted, and that nothing
// was left when it looked again.
type Certificate struct {
	Objects  int `json:"objects"`
	Versions int `json:"versions"`
	Uploads  int `json:"uploads"`
	Left     int `json:"left"`
}

// Segment is a place in the archive where reading can begin: at GzipOffset a
// deflate stream starts afresh and inflates to the text from TextOffset on.
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
