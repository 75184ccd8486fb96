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

// messageView is a page that says one thing.
type messageView struct {
	Status    int
	Heading   string
	Sentence  string
	RequestID string // to tell us, where it is our fault
	Hint      string
	Settings  bool   // whether Data Export in Settings is the place to go on
	Bulk      bool   // or Bulk Export
	Again     string // what to load again
	SignOut   string // where to go on as somebody else
}

// WriteError answers a request with a page that says what went wrong. Whoever
// is not signed in is asked to, and comes back.
func (w *Web) WriteError(c echo.Context, err error) error {
	if respond.ClientLeft(c, err) {
		return nil
	}
	status, sentence, wait := respond.Describe(err)
	if status >= http.StatusInternalServerError {
		respond.LogFailure(c, status, err)
	}
	if c.Response().Committed {
		return nil
	}
	respond.RetryAfter(c.Response().Header(), wait)
	if status == http.StatusUnauthorized {
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, "Bearer")
		if err := w.showSignIn(c, status, w.whySignIn(c, sentence), w.signInReturn(c)); err == nil || c.Response().Committed {
			return err
		}
		// There is nobody to choose from; the sentence says it, too.
	}
	if instead := sentences[status]; instead != "" {
		sentence = instead
	}
	view := messageView{Status: status, Heading: headings[status], Sentence: sentence, Hint: hints[status], Settings: auth.PersonOf(c).Role.MayExport() && !isDataExport(c)}
	view.Bulk = view.Settings && strings.HasPrefix(c.Path(), bulkExport+"/")
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		view.Again = w.returnPath(c.Request())
	}
	if known, ok := errors.AsType[*schema.Error](err); ok && known.Code == otherAccount {
		view.SignOut = w.signInReturn(c)
	}
	if view.Heading == "" {
		view.Heading = "That did not work"
	}
	if status == http.StatusInternalServerError {
		view.RequestID = c.Response().Header().Get(echo.HeaderXRequestID)
	}
	return w.show(c, status, "message", view.Heading, view)
}

// isDataExport tells whether a request was for the page in Settings itself.
func isDataExport(c echo.Context) bool { return c.Path() == dataExport }

var headings = map[int]string{
	http.StatusUnauthorized:       "Please sign in",
	http.StatusForbidden:          "You cannot do this",
	http.StatusNotFound:           "We could not find that",
	http.StatusMethodNotAllowed:   "We could not find that",
	http.StatusConflict:           "Not now",
	http.StatusGone:               "This is gone",
	http.StatusTooManyRequests:    "Please wait a moment",
	http.StatusServiceUnavailable: "One moment, please",
}

// sentences stand in for those that speak of HTTP to programs.
var sentences = map[int]string{
	http.StatusMethodNotAllowed: "There is no page at this address.",
}

var hints = map[int]string{
	http.StatusNotFound:           "If you followed a link in a mail, make sure that you have the whole of it: some programs cut long links in two.",
	http.StatusServiceUnavailable: "Nothing was lost, and an export that is under way goes on. Load this page again in a moment.",
}
