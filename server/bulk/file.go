package bulk

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	"satchel/schema"
	"satchel/server/auth"
	"satchel/workflows/bulkexport"
	"satchel/workflows/client"
)

// DayFiles lists the files of the caller's account that are there, of all
// types, newest first.
func (b *Bulk) DayFiles(ctx context.Context, p auth.Principal, limit int) ([]schema.DayFile, error) {
	return b.Store.CurrentDayFiles(ctx, p.Account, limit)
}

// File finds a file of the caller's account that is there.
func (b *Bulk) File(ctx context.Context, p auth.Principal, id string) (schema.DayFile, error) {
	return b.Store.AccountDayFile(ctx, p.Account, id)
}

// FileURL is the path of a file, to be put behind a site's address. Whoever
// has it may fetch the file as often as they like until its time is over, by the
// database's clock, in the name of the one it is given to.
func (b *Bulk) FileURL(ctx context.Context, p auth.Principal, f schema.DayFile) (string, error) {
	now, err := b.Store.Now(ctx)
	if err != nil {
		return "", err
	}
	until := now.Add(b.LinkTTL).Unix()
	return filePath(f) + "?" + url.Values{
		"by": {by(p)}, "exp": {strconv.FormatInt(until, 10)}, "sig": {b.Links.FileLink(f.ID, by(p), until)},
	}.Encode(), nil
}

func filePath(f schema.DayFile) string { return "/files/" + f.ID + "/" + fileName(f) }

// fileName is what a file is called in its link, and saved as.
func fileName(f schema.DayFile) string { return fmt.Sprintf("%s-%s.json.gz", f.Type, f.Day) }

// RemoveFile deletes a file of the caller's account before its time, and
// answers when it is gone.
func (b *Bulk) RemoveFile(ctx context.Context, p auth.Principal, id string) error {
	f, err := b.File(ctx, p, id)
	if err != nil {
		return err
	}
	return client.RemoveDayFile(ctx, b.Temporal, bulkexport.DayFileRemovalInput{
		File: f.ID, Account: f.Account, Type: f.Type, Day: f.Day, ExpiresAt: f.ExpiresAt, By: by(p),
	})
}
