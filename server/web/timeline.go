package web

import (
	"context"
	"slices"
	"time"

	"satchel/schema"
	"satchel/schema/store"
	"satchel/server/auth"
)

// timelineEntry is an action on an export.
type timelineEntry struct {
	Title string
	Actor string // "" if no one performed it
	At    time.Time

	Times int64 // how often; At is the last time
}

// people are the users of an account.
type people struct {
	list     []schema.Person
	nameByID map[string]string
}

func (w *Web) peopleOf(ctx context.Context, account string) (people, error) {
	list, err := w.Directory.People(ctx, account)
	n := people{list: list, nameByID: make(map[string]string, len(list))}
	for _, p := range list {
		n.nameByID[p.ID] = p.Name
	}
	return n, err
}

// exporters are the owners and admins, owners first.
func (n people) exporters() (list []schema.Person) {
	for _, role := range []schema.Role{schema.Owner, schema.Admin} {
		for _, p := range n.list {
			if p.Role == role {
				list = append(list, p)
			}
		}
	}
	return list
}

// requester names who requested an export.
func (n people) requester(e schema.Export) string { return n.displayName(e.RequestedBy) }

// displayName names the actor of a row or audit entry.
func (n people) displayName(actor string) string {
	switch name := n.nameByID[actor]; {
	case name != "":
		return name
	case schema.IsUserID(actor):
		return "someone who is no longer a user of the account"
	}
	return "a program with the account’s own credentials"
}

// recipients are the addresses that mails about an export go to: its requester or, if that is
// not an owner or admin, all owners.
func (n people) recipients(e schema.Export) []string {
	var owners []string
	for _, p := range n.list {
		switch {
		case p.ID == e.RequestedBy && p.Role.MayExport():
			return []string{p.Email}
		case p.Role == schema.Owner:
			owners = append(owners, p.Email)
		}
	}
	return owners
}

// actionTitles are the titles of audit actions in a timeline.
var actionTitles = map[store.Action]string{
	store.ActionRequested:       "Requested",
	store.ActionResendRequested: "Email requested again",
	store.ActionConfirmed:       "Confirmed",
	store.ActionDownloaded:      "Downloaded",
}

// timeline lists what happened to an export, oldest first.
func (n people) timeline(e schema.Export, entries []store.AuditEntry) []timelineEntry {
	list := make([]timelineEntry, 0, len(entries)+1)
	for _, l := range entries {
		if l.Action == store.ActionRemoved {
			list = append(list, n.removalEntry(e, l))
			continue
		}
		if title := actionTitles[l.Action]; title != "" {
			list = append(list, timelineEntry{Title: title, Actor: n.displayName(l.Actor), At: l.At, Times: l.Times})
		}
		if l.Action == store.ActionRequested {
			list[len(list)-1].Actor = n.requester(e)
		}
	}
	if e.CompletedAt == nil {
		return list
	}
	ready := timelineEntry{Title: "File ready", At: *e.CompletedAt}
	for i, d := range list {
		if d.At.After(ready.At) {
			return slices.Insert(list, i, ready)
		}
	}
	return append(list, ready)
}

// removalEntry describes how an export ended: by a person or by the passing of time.
func (n people) removalEntry(e schema.Export, l store.AuditEntry) timelineEntry {
	switch {
	case e.Status == schema.Failed:
		return timelineEntry{Title: "Failed", At: l.At}
	case e.Reason == schema.ReasonUnconfirmed:
		return timelineEntry{Title: "Expired: not confirmed in time", At: l.At}
	case e.Reason == schema.ReasonWindowPassed:
		return timelineEntry{Title: "Deleted after the download period", At: l.At}
	case e.Reason == schema.ReasonDeleted:
		return timelineEntry{Title: "Deleted early", Actor: n.knownActor(l.Actor), At: l.At}
	}
	return timelineEntry{Title: "Cancelled", Actor: n.knownActor(l.Actor), At: l.At}
}

// knownActor names an actor, or returns "" if the actor is not a particular person or key.
func (n people) knownActor(actor string) string {
	if actor == "" || actor == "account" {
		return ""
	}
	return n.displayName(actor)
}

// requesterName names who requested an export, for a user of the same account.
func (w *Web) requesterName(ctx context.Context, p auth.Principal, e schema.Export) (string, error) {
	n, err := w.peopleOf(ctx, p.Account)
	return n.requester(e), err
}
