package bulk

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strconv"

	"satchel/schema"
	"satchel/schema/store"
	"satchel/server/auth"
	"satchel/workflows/bulkexport"
	"satchel/workflows/client"
)

// DayFiles returns the current files of the caller's account that the filter selects, newest
// first, of those that were published before the given Seq; and how many files of the filter's
// type there are.
func (b *Bulk) DayFiles(ctx context.Context, p auth.Principal, f store.DayFileFilter, seq int64, limit int) ([]schema.DayFile, store.DayFileCounts, error) {
	n, err := b.Store.CountDayFiles(ctx, p.Account, f.Type)
	if err != nil {
		return nil, n, err
	}
	list, err := b.Store.FilteredDayFiles(ctx, p.Account, f, seq, limit)
	return list, n, err
}

// File returns a current file of the caller's account.
func (b *Bulk) File(ctx context.Context, p auth.Principal, id string) (schema.DayFile, error) {
	return b.Store.AccountDayFile(ctx, p.Account, id)
}

// FileURL returns the path and query of a signed link to a file, to be appended to a base URL.
// The link needs no authentication and works any number of times until it expires by the
// database's clock. Downloads are recorded in the audit trail for the credential or person that
// it was made for, and end when that has no access any more.
func (b *Bulk) FileURL(ctx context.Context, p auth.Principal, f schema.DayFile) (string, error) {
	now, err := b.Store.Now(ctx)
	if err != nil {
		return "", err
	}
	until, by := now.Add(b.LinkTTL).Unix(), cmp.Or(p.Credential, p.User)
	return filePath(f) + "?" + url.Values{
		"by": {by}, "exp": {strconv.FormatInt(until, 10)}, "sig": {b.Links.FileSignature(f.ID, by, until)},
	}.Encode(), nil
}

func filePath(f schema.DayFile) string { return "/files/" + f.ID + "/" + fileName(f) }

// fileName is the name of a file in its link and when it is saved.
func fileName(f schema.DayFile) string { return fmt.Sprintf("%s-%s.json.gz", f.Type, f.Day) }

// RemoveFile deletes a file of the caller's account before it expires, and returns once it is
// gone.
func (b *Bulk) RemoveFile(ctx context.Context, p auth.Principal, id string) error {
	f, err := b.File(ctx, p, id)
	if err != nil {
		return err
	}
	return client.RemoveDayFile(ctx, b.Temporal, bulkexport.DayFileRemovalInput{
		File: f.ID, Account: f.Account, Type: f.Type, Day: f.Day, ExpiresAt: f.ExpiresAt, By: p.Actor(),
	})
}
