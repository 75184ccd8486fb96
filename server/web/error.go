package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/server/auth"
	"satchel/server/respond"
)

// messageView is a page with a single message.
type messageView struct {
	Status         int
	Heading        string
	Sentence       string
	RequestID      string // shown for internal errors, for support
	Hint           string
	LinkDataExport bool   // link to Data Export
	LinkBulkExport bool   // link to Bulk Export instead
	RetryPath      string // page to try again
	SignOutReturn  string // page to return to as another user
}

// WriteError answers a request with an error page. Anonymous requests get the sign-in page and
// return afterwards.
func (w *Web) WriteError(c echo.Context, err error) error {
	if respond.ClientLeft(c, err) {
		return nil
	}
	status, sentence, wait := respond.Describe(err)
	if status >= http.StatusInternalServerError {
		respond.LogFailure(c, status, err)
	}
	respond.AbortIfCommitted(c)
	respond.RetryAfter(c.Response().Header(), wait)
	if status == http.StatusUnauthorized {
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, "Bearer")
	}
	if resumesFile(c) {
		return c.NoContent(status) // some clients append whatever comes to what they have
	}
	if status == http.StatusUnauthorized {
		if err := w.showSignIn(c, status, w.signInReason(c, sentence), w.signInReturn(c)); err == nil || c.Response().Committed {
			return err
		}
		// The sign-in page could not be built; the message below asks to sign in, too.
	}
	if instead := sentencesForPeople[status]; instead != "" {
		sentence = instead
	}
	view := messageView{Status: status, Heading: headings[status], Sentence: sentence, Hint: hints[status], LinkDataExport: auth.PersonOf(c).Role.MayExport() && !isDataExport(c)}
	view.LinkBulkExport = view.LinkDataExport && strings.HasPrefix(c.Path(), bulkExport+"/")
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		view.RetryPath = w.returnPath(c.Request())
	}
	if known, ok := errors.AsType[*schema.Error](err); ok && known.Code == schema.CodeOtherAccount {
		view.SignOutReturn = w.signInReturn(c)
	}
	if view.Heading == "" {
		view.Heading = "Something went wrong"
	}
	if status == http.StatusInternalServerError {
		view.RequestID = c.Response().Header().Get(echo.HeaderXRequestID)
	}
	return w.render(c, status, "message", view.Heading, view)
}

// resumesFile reports whether a request is for a part of a file, as by a client that goes on
// with a download.
func resumesFile(c echo.Context) bool {
	return respond.PolicyOf(c).File && c.Request().Header.Get("Range") != ""
}

// isDataExport reports whether a request was for the Data Export page itself.
func isDataExport(c echo.Context) bool { return c.Path() == dataExport }

var headings = map[int]string{
	http.StatusUnauthorized:       "Please sign in",
	http.StatusForbidden:          "You are not allowed to do this",
	http.StatusNotFound:           "We could not find this page",
	http.StatusMethodNotAllowed:   "We could not find this page",
	http.StatusConflict:           "This is not possible right now",
	http.StatusGone:               "This is no longer available",
	http.StatusTooManyRequests:    "Please wait a moment",
	http.StatusServiceUnavailable: "One moment, please",
}

// sentencesForPeople replaces messages that are written for programs.
var sentencesForPeople = map[int]string{
	http.StatusMethodNotAllowed: "There is no page at this address.",
}

var hints = map[int]string{
	http.StatusNotFound:           "If you followed a link from an email, please make sure that you have the whole of it: some programs break long links.",
	http.StatusServiceUnavailable: "Nothing was lost, and exports in progress continue. Please reload this page in a moment.",
}
