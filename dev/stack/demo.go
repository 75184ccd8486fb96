package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"satchel/dev/parts"
)

// Demo is what demo.json says: how to reach the parts and who can sign in. The
// file is there exactly while the stack is ready.
type Demo struct {
	BaseURL         string    `json:"baseUrl"`
	MailboxURL      string    `json:"mailboxUrl"`
	TemporalAddress string    `json:"temporalAddress"`
	TemporalUIURL   string    `json:"temporalUiUrl"`
	S3              DemoS3    `json:"s3"`
	DatabaseURL     string    `json:"databaseUrl"`
	Accounts        []Account `json:"accounts"`
}

// DemoS3 is how to reach the bucket.
type DemoS3 struct {
	Endpoint  string `json:"endpoint"`
	Bucket    string `json:"bucket"`
	AccessKey string `json:"accessKey"`
	SecretKey string `json:"secretKey"`
}

// Account is a demo account with all that opens it.
type Account struct {
	AccountSID       string `json:"accountSid"`
	AuthToken        string `json:"authToken"`
	ParentAccountSID string `json:"parentAccountSid"` // "" for a top-level account
	Name             string `json:"name"`
	Users            []User `json:"users"`
	APIKey           APIKey `json:"apiKey"`
}

// User is somebody of a demo account. GET on SignInURL signs in.
type User struct {
	Email     string `json:"email"`
	Role      string `json:"role"`
	SignInURL string `json:"signInUrl"`
}

// APIKey opens its account by HTTP Basic authentication.
type APIKey struct {
	SID    string `json:"sid"`
	Secret string `json:"secret"`
}

// DemoFile is where Demo is written.
func (s *Stack) DemoFile() string { return filepath.Join(s.options.Dir, "demo.json") }

// describe says how to reach the parts, before any of them is started.
func (s *Stack) describe() {
	web := "http://" + parts.Loopback(s.options.Ports.Web)
	s.Demo = Demo{
		BaseURL:         web,
		MailboxURL:      "http://" + parts.Loopback(s.options.Ports.Mailbox),
		TemporalAddress: s.Temporal.Address(),
		S3:              DemoS3{Endpoint: s.S3.Endpoint(), Bucket: bucket, AccessKey: accessKey, SecretKey: s.secrets.s3},
		DatabaseURL:     s.Postgres.URL(database),
		Accounts:        []Account{},
	}
	if s.options.UI {
		s.Demo.TemporalUIURL = "http://" + parts.Loopback(s.options.Ports.TemporalUI)
	}
}

// load fills the demo accounts and says who can sign in.
func (s *Stack) load(ctx context.Context) error {
	return ctx.Err()
}

func (d Demo) write(path string) error {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return writeWhole(path, append(text, '\n'))
}

func (s *Stack) forgetDemo() error {
	if err := os.Remove(s.DemoFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", s.DemoFile(), err)
	}
	return nil
}
