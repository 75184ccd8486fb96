package program

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"satchel/activities/vault"
	"satchel/schema"
	"satchel/schema/catalog"
	"satchel/schema/store"
	"satchel/schema/store/source"
)

// Check is one thing that a program needs.
type Check struct {
	Part     string                      // that it is about, in /readyz
	Subject  string                      // of a sentence about it
	Settings []string                    // variables to look at if it fails
	Every    time.Duration               // how often it is run while it succeeds; 0 for whenever a probe asks
	Start    Start                       // what a worker waits for before it takes work
	Run      func(context.Context) error // it may ignore its context
}

// Start says how a check must end before a worker takes work.
type Start int

// A worker with another key than the others would make files that they cannot open.
// While storage is away, it can still end what is over.
const (
	StartAnyway   Start = iota
	StartNotWrong       // it may be away
	StartOK
)

// Needs are what a program is connected to.
type Needs struct {
	Store    *store.DB
	SourceDB *source.DB
	Source   *source.Platform
	Catalog  *catalog.Catalog
	Vault    *vault.Vault
	Links    schema.Links
	// Checks of workflows/client, which this package is below: of Temporal with its
	// namespace, and of the search attributes there.
	CheckNamespace, CheckSearchAttributes func(context.Context) error

	Archive   Readier                                   // of old calls, to erase from; nil where there is none
	Mail      interface{ Check(context.Context) error } // nil where no e-mail is sent
	CheckKeys func(context.Context) error               // of the host application's keys; nil where it has none

	Bulk        bool // there are bulk exports
	RunsExports bool // it is a worker: it reads records, and what it has is what others must have
}

// Readier reports whether a database can be used.
type Readier interface{ Ready(context.Context) error }

// unneeded names the directory's queries that another program needs, and not this one.
func (n Needs) unneeded() []string {
	switch {
	case !n.RunsExports:
		return []string{"signing"}
	case !n.Bulk:
		return []string{"signing", "credentials"}
	}
	return []string{"credentials"}
}

// Checks is the table of everything that a program needs. Those of one part stand in
// the order in which to mend what they find.
func (n Needs) Checks() []Check {
	database, records := []string{"DATABASE_URL"}, []string{"SOURCE_DATABASE_URL", "CATALOG_DIR"}
	bucket := []string{"S3_BUCKET", "S3_ENDPOINT", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
	temporal := []string{"TEMPORAL_ADDRESS", "TEMPORAL_TLS", "TEMPORAL_API_KEY"}
	checks := []Check{
		{Part: PartDatabase, Subject: "Satchel's database", Settings: database, Start: StartOK, Run: n.Store.Ready},
		{Part: PartDatabase, Subject: "The comparison of LINK_KEY", Settings: []string{"LINK_KEY"}, Start: StartOK, Run: n.checkLinkKey()},

		{Part: PartSourceDatabase, Subject: "The platform's database", Settings: records[:1], Run: n.SourceDB.Ready},
		{Part: PartSourceDatabase, Subject: "The platform's database", Settings: records, Every: time.Minute, Run: func(ctx context.Context) error {
			return n.Source.CheckDirectory(ctx, n.unneeded()...)
		}},
	}
	if n.RunsExports {
		checks = append(checks, Check{Part: PartSourceDatabase, Subject: "The platform's database", Settings: records, Every: time.Minute, Run: n.recordCatalog()})
	} else {
		checks = append(checks, Check{Part: PartSourceDatabase, Subject: "The comparison of the catalog", Settings: records[1:], Run: n.compareCatalog})
	}
	checks = append(checks, Check{Part: PartStorage, Subject: "The bucket", Settings: bucket, Run: n.Vault.Check})
	if n.RunsExports {
		checks = append(checks, Check{Part: PartStorage, Subject: "The bucket", Settings: bucket, Every: 5 * time.Minute, Run: n.Vault.CheckWrite})
	}
	if n.Archive != nil {
		checks = append(checks, Check{Part: PartArchive, Subject: "The archive of calls", Settings: []string{"ARCHIVE_DATABASE_URL"}, Every: time.Minute, Run: n.Archive.Ready})
	}
	if n.Mail != nil {
		checks = append(checks, Check{Part: PartMail, Subject: "The email provider", Settings: []string{"RESEND_API_KEY", "MAIL_FROM"}, Every: 5 * time.Minute, Run: n.Mail.Check})
	}
	if n.CheckKeys != nil {
		checks = append(checks, Check{Part: PartSignIn, Subject: "The host application", Settings: []string{"JWKS_URL"}, Every: time.Minute, Run: n.CheckKeys})
	}
	return append(checks,
		Check{Part: PartStorage, Subject: "The deployment's key", Settings: []string{"KEYSET_FILE", "KMS_KEY_URI"}, Every: time.Minute, Start: StartNotWrong, Run: n.checkDeploymentKey()},

		Check{Part: PartTemporal, Subject: "Temporal", Settings: temporal, Start: StartOK, Run: n.CheckNamespace},
		Check{Part: PartTemporal, Subject: "Temporal", Settings: []string{"TEMPORAL_NAMESPACE"}, Every: time.Minute, Start: StartOK, Run: n.CheckSearchAttributes})
}

// checkLinkKey returns a check that compares LINK_KEY with the one that a worker
// recorded first. An operator who changes it deletes the record; a worker that has
// compared before does not make it again.
func (n Needs) checkLinkKey() func(context.Context) error {
	var compared bool
	var mu sync.Mutex // checks of one kind do not overlap, but the compiler does not know
	return func(ctx context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		own := n.Links.Fingerprint()
		recorded, err := n.Store.SharedKey(ctx, store.SharedLinkKey)
		if err == nil && recorded == nil && n.RunsExports && !compared {
			if err = n.Store.RecordSharedKey(ctx, store.SharedLinkKey, own); err == nil {
				recorded, err = n.Store.SharedKey(ctx, store.SharedLinkKey) // another worker may have been first
			}
		}
		if err != nil {
			return err
		}
		if recorded != nil && !bytes.Equal(recorded, own) {
			return &schema.SetupError{Message: "LINK_KEY is not the one that the workers make links with: give all programs the same. " +
				`If it was changed on purpose, do what docs/operations.md says under "Changing LINK_KEY".`}
		}
		compared = true
		return nil
	}
}

// errNotCompared means that nothing could be compared yet: Satchel's own database has
// no answer, which the checks of that part report. The check is repeated soon.
var errNotCompared = errors.New("not compared yet")

// Constants of what is sealed with the deployment's key and recorded.
const (
	keyProof        = "satchel"
	keyProofPurpose = "shared setting"
)

// checkDeploymentKey returns a check that opens what a worker sealed with its own
// deployment key. A keyset of several keys may thus be changed step by step, each
// program being able to open what any other seals.
func (n Needs) checkDeploymentKey() func(context.Context) error {
	var recorded bool
	var mu sync.Mutex
	return func(ctx context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		sealed, err := n.Store.SharedKey(ctx, store.SharedDeploymentKey)
		if err == nil && sealed == nil && n.RunsExports && !recorded {
			sealed, err = n.recordDeploymentKey(ctx)
		} else if err != nil {
			err = errNotCompared
		}
		if err != nil || sealed == nil {
			return err
		}
		switch _, err = n.Vault.Unseal(ctx, sealed, "", keyProofPurpose); {
		case errors.Is(err, vault.ErrUnreadable):
			return &schema.SetupError{Cause: err, Message: "KEYSET_FILE (or KMS_KEY_URI) is not the key that the workers use, and does not open what they made: give all programs the same. " +
				`If it was changed on purpose, do what docs/operations.md says under "Changing the keyset".`}
		case err != nil || recorded || !n.RunsExports:
			return err
		}
		again, err := n.Vault.Seal(ctx, []byte(keyProof), "", keyProofPurpose) // the primary key may be a new one
		if err != nil {
			return err
		}
		if n.Store.ReplaceSharedKey(ctx, store.SharedDeploymentKey, sealed, again) != nil {
			return errNotCompared
		}
		recorded = true
		return nil
	}
}

// recordDeploymentKey seals and records the proof of the deployment's key. It returns
// what is recorded afterwards: another worker may have been first.
func (n Needs) recordDeploymentKey(ctx context.Context) (sealed []byte, err error) {
	if sealed, err = n.Vault.Seal(ctx, []byte(keyProof), "", keyProofPurpose); err != nil {
		return nil, err
	}
	if err = n.Store.RecordSharedKey(ctx, store.SharedDeploymentKey, sealed); err == nil {
		sealed, err = n.Store.SharedKey(ctx, store.SharedDeploymentKey)
	}
	if err != nil {
		return nil, errNotCompared
	}
	return sealed, nil
}

// recordCatalog returns a check that all queries fit the database. It records the
// catalog once they do, for servers to compare.
func (n Needs) recordCatalog() func(context.Context) error {
	var recorded bool
	var mu sync.Mutex
	return func(ctx context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		if err := n.Source.CheckRecords(ctx, n.Bulk); err != nil {
			return err
		}
		if recorded {
			return nil
		}
		if n.Store.RecordCatalog(ctx, n.Catalog.Fingerprint()) != nil {
			return errNotCompared
		}
		recorded = true
		return nil
	}
}

func (n Needs) compareCatalog(ctx context.Context) error {
	shared, err := n.Store.IsSharedCatalog(ctx, n.Catalog.Fingerprint())
	if err != nil {
		return errNotCompared
	}
	if !shared {
		return &schema.SetupError{Message: "The catalog is not the one that the workers use: give CATALOG_DIR the same files everywhere, " +
			"or leave it unset everywhere, and run one version of the programs. After a change, start the workers first."}
	}
	return nil
}
