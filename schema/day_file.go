package schema

import "time"

// DayFile is the file of one account, type and UTC day: gzip of JSON lines.
type DayFile struct {
	ID        string       `db:"id"` // of this version: a new version gets a new ID and replaces it whole
	Account   string       `db:"account_sid"`
	Type      ResourceType `db:"resource_type"`
	Day       Day          `db:"day"`
	Job       string       `db:"job_id"`        // "" for a daily export
	Name      string       `db:"friendly_name"` // of that job
	Records   int64        `db:"records"`
	Size      int64        `db:"size"`   // bytes of the gzip file
	SHA256    string       `db:"sha256"` // hex, of the gzip file
	CreatedAt time.Time    `db:"created_at"`
	ExpiresAt time.Time    `db:"expires_at"`
	Seq       int64        `db:"seq"` // order of publication
}

// NewDayFile is a day file that has been stored and is to be published.
type NewDayFile struct {
	ID        string
	Account   string
	Type      ResourceType
	Day       Day
	Job       string // "" for a daily export and for a rebuild
	Again     bool   // a rebuild without erased records: keeps name and expiry of the file it replaces, and is discarded if there is none
	Records   int64
	Size      int64
	SHA256    string
	Wrapped   []byte        // its key
	Erased    int           // how many of the day's calls were known to be erased when it was read
	ReadAt    time.Time     // when its last record had been read, by the database's clock
	Within    time.Duration // of ReadAt it must be published; PublishWithin at most, and if it is 0
	Retention time.Duration // from publication until it is deleted
}
