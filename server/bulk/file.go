package bulk

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	"satchel/schema"
	"satchel/server/auth"
	"satchel/workflows"
)

// DayFiles lists the files of the caller's account that are there, of all
// types, newest first.
func (b *Bulk) DayFiles(ctx context.Context, p auth.Principal, limit int) ([]schema.DayFile, error) {
	return b.Store.CurrentDayFiles(ctx, p.Account, limit)
}

// File finds a file of the caller's account that is there.
func (b *Bulk) File(ctx context.Context, p auth.Principal, id string) (schema.DayFile, error) {
	if !schema.IsDayFileID(id) {
		return schema.DayFile{}, noFile()
	}
	f, _, err := b.Store.OpenDayFile(ctx, id)
	if err == nil && f.Account != p.Account {
		err = noFile()
	}
	if err != nil {
		return schema.DayFile{}, err
	}
	return f, nil
}

// FileURL is the path of a file, to be put behind a site's address. Whoever
// has it may fetch the file as often as they like until its time is over.
func (b *Bulk) FileURL(f schema.DayFile) string {
	until := b.Now().Add(b.LinkTTL).Unix()
	return filePath(f) + "?" + url.Values{
		"exp": {strconv.FormatInt(until, 10)}, "sig": {b.Links.FileLink(f.ID, until)},
	}.Encode()
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
	return workflows.RemoveDayFileNow(ctx, b.Temporal, workflows.FileRemoval{
		File: f.ID, Account: f.Account, Type: f.Type, Day: f.Day, ExpiresAt: f.ExpiresAt, By: by(p),
	})
}

func noFile() error {
	return schema.Errorf(schema.NotFound, "day_file_not_found", "There is no such file.")
}
