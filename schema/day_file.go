package schema

import "time"

// DayFile is the file of one account, type and UTC day: gzip of JSON lines.
type DayFile struct {
	ID        string       `db:"id"` // of this version: a new version has a new ID and replaces the old one
	Account   string       `db:"account_sid"`
	Type      ResourceType `db:"resource_type"`
	Day       Day          `db:"day"`
	Job       string       `db:"job_id"`        // "" for a daily export
	Name      string       `db:"friendly_name"` // of the job
	Records   int64        `db:"records"`
	Size      int64        `db:"size"`   // bytes of the gzip file
	SHA256    string       `db:"sha256"` // hex, of the gzip file
	CreatedAt time.Time    `db:"created_at"`
	ExpiresAt time.Time    `db:"expires_at"`
	Seq       int64        `db:"seq"` // order of publication
}

// NewDayFile is a day file that has been stored and is to be published.
type NewDayFile struct {
	ID            string
	Account       string
	Type          ResourceType
	Day           Day
	Job           string // "" for a daily export and for a rebuild
	Rebuild       bool   // replaces a file that has erased records: keeps its name and expiry, and is discarded if that file is gone
	Records       int64
	Size          int64
	SHA256        string
	Wrapped       []byte        // its encryption key, wrapped with the deployment's key
	Erased        []string      // calls that were left out because they were erased
	ReadAt        time.Time     // when its last record had been read, by the database's clock
	PublishWithin time.Duration // how long after ReadAt it may be published; 0, and more than the constant PublishWithin, mean that constant
	Retention     time.Duration // from publication until it is deleted
}
