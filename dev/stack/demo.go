package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"satchel/activities/vault"
	"satchel/dev/demo"
	"satchel/dev/services"
	"satchel/schema"
)

// Demo is the content of demo.json: the addresses of the services, and the
// accounts. The file exists exactly while the stack is ready.
type Demo struct {
	BaseURL         string         `json:"baseUrl"`
	MailboxURL      string         `json:"mailboxUrl"`
	TemporalAddress string         `json:"temporalAddress"`
	TemporalUIURL   string         `json:"temporalUiUrl"`
	S3              DemoS3         `json:"s3"`
	DatabaseURL     string         `json:"databaseUrl"`
	Accounts        []demo.Account `json:"accounts"`
}

// DemoS3 is the address and the credentials of the bucket.
type DemoS3 struct {
	Endpoint  string `json:"endpoint"`
	Bucket    string `json:"bucket"`
	AccessKey string `json:"accessKey"`
	SecretKey string `json:"secretKey"`
}

// ReadDemo reads the demo.json of a running stack in dir.
func ReadDemo(dir string) (Demo, error) {
	text, err := os.ReadFile(filepath.Join(dir, "demo.json"))
	if errors.Is(err, os.ErrNotExist) {
		return Demo{}, fmt.Errorf("no stack is running on %s: start it with `make dev`", dir)
	}
	if err != nil {
		return Demo{}, fmt.Errorf("read demo.json: %w", err)
	}
	var d Demo
	if err := json.Unmarshal(text, &d); err != nil {
		return Demo{}, fmt.Errorf("read demo.json: %w", err)
	}
	return d, nil
}

// DemoFile returns the path of demo.json.
func (s *Stack) DemoFile() string { return filepath.Join(s.options.Dir, "demo.json") }

// setAddresses fills in Demo, except for its accounts. No service needs to run.
func (s *Stack) setAddresses() {
	web := "http://" + services.Loopback(s.options.Ports.Web)
	s.Demo = Demo{
		BaseURL:         web,
		MailboxURL:      "http://" + services.Loopback(s.options.Ports.Mailbox),
		TemporalAddress: s.Temporal.Address(),
		S3:              DemoS3{Endpoint: s.S3.Endpoint(), Bucket: bucket, AccessKey: accessKey, SecretKey: s.secrets.s3},
		DatabaseURL:     s.Postgres.URL(database),
	}
	if s.options.UI {
		s.Demo.TemporalUIURL = "http://" + services.Loopback(s.options.Ports.TemporalUI)
	}
}

// loadDemo creates the demo accounts and adds them to Demo.
func (s *Stack) loadDemo(ctx context.Context) error {
	keys, err := vault.OpenKeyset(s.secrets.keyset)
	if err != nil {
		return err
	}
	loaded, err := demo.Load(ctx, s.Demo.DatabaseURL, func(account string, token []byte) ([]byte, error) {
		return keys.Seal(ctx, token, account, schema.SealedToken)
	})
	if err != nil {
		return err
	}
	s.Demo.Accounts = loaded.At(s.Demo.BaseURL).Accounts
	return nil
}

func (d Demo) write(path string) error {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return writeAtomically(path, append(text, '\n'))
}

func (s *Stack) removeDemoFile() error {
	if err := os.Remove(s.DemoFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", s.DemoFile(), err)
	}
	return nil
}
