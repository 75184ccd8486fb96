package web

import (
	"context"
	"slices"
	"time"

	"satchel/schema"
	"satchel/schema/store"
	"satchel/server/auth"
)

// deed is a line of an export's trail: who did what to it, and when.
type deed struct {
	What string
	Who  string // "" where it is not for anybody to answer for
	At   time.Time

	Times int64 // that they did it, the last of them then
}

// names are the people of an account by their IDs.
type names struct {
	people []schema.Person
	byID   map[string]string
}

func (w *Web) namesOf(ctx context.Context, account string) (names, error) {
	people, err := w.Directory.People(ctx, account)
	n := names{people: people, byID: make(map[string]string, len(people))}
	for _, p := range people {
		n.byID[p.ID] = p.Name
	}
	return n, err
}

// requester says who asked for an export.
func (n names) requester(e schema.Export) string { return n.of(e.RequestedBy) }

// of names whoever stands in a row or in the audit trail.
func (n names) of(actor string) string {
	switch name := n.byID[actor]; {
	case name != "":
		return name
	case schema.IsUserID(actor):
		return "somebody who is no longer a user of the account"
	}
	return "a program with the account’s own credentials"
}

// asked are the addresses that a mail about an export goes to: the one who
// asked, else all owners.
func (n names) asked(e schema.Export) []string {
	var owners []string
	for _, p := range n.people {
		switch {
		case p.ID == e.RequestedBy && p.Role.MayExport():
			return []string{p.Email}
		case p.Role == schema.Owner:
			owners = append(owners, p.Email)
		}
	}
	return owners
}

var deeds = map[store.Action]string{
	store.Requested:   "Asked for",
	store.MailLost:    "Mail asked for again",
	store.ConfirmedBy: "Confirmed",
	store.Downloaded:  "Downloaded",
}

// trail is what happened to an export, in words, oldest first.
func (n names) trail(e schema.Export, lines []store.Deed) []deed {
	list := make([]deed, 0, len(lines)+1)
	for _, l := range lines {
		if l.Action == store.Removed {
			list = append(list, n.removal(e, l))
			continue
		}
		if what := deeds[l.Action]; what != "" {
			list = append(list, deed{What: what, Who: n.of(l.Actor), At: l.At, Times: l.Times})
		}
		if l.Action == store.Requested {
			list[len(list)-1].Who = n.requester(e)
		}
	}
	if e.CompletedAt == nil {
		return list
	}
	ready := deed{What: "File ready", At: *e.CompletedAt}
	for i, d := range list {
		if d.At.After(ready.At) {
			return slices.Insert(list, i, ready)
		}
	}
	return append(list, ready)
}

// removal tells of the end: somebody's deed, or that of time.
func (n names) removal(e schema.Export, l store.Deed) deed {
	switch {
	case e.Status == schema.Failed:
		return deed{What: "Failed", At: l.At}
	case e.Reason == schema.Unconfirmed:
		return deed{What: "Lapsed", At: l.At}
	case e.Reason == schema.WindowPassed:
		return deed{What: "Deleted after its time", At: l.At}
	case e.Reason == schema.Deleted:
		return deed{What: "Deleted early", Who: n.known(l.Actor), At: l.At}
	}
	return deed{What: "Cancelled", Who: n.known(l.Actor), At: l.At}
}

// known names an actor of whom it is certain who that is.
func (n names) known(actor string) string {
	if actor == "" || actor == "account" {
		return ""
	}
	return n.of(actor)
}

// requesterOf names who asked, to somebody of the same account.
func (w *Web) requesterOf(ctx context.Context, p auth.Principal, e schema.Export) (string, error) {
	n, err := w.namesOf(ctx, p.Account)
	return n.requester(e), err
}
