package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/server/auth"
)

// signInView is the page where people sign in or learn where to.
type signInView struct {
	Reason   string // why a sign-in is needed, "" if the page was opened directly
	Return   string // path to return to
	URL      string // of the host application's sign-in page, with the path to return to
	Accounts []signInAccount
	SignedIn bool
}

// signInAccount is an account that development sign-in offers, with its users.
type signInAccount struct {
	Account schema.Account
	People  []signInPerson
}

type signInPerson struct {
	schema.Person
	URL string
}

// signIn handles GET /sign-in.
func (w *Web) signIn(c echo.Context) error {
	return w.showSignIn(c, http.StatusOK, "", w.Auth.ReturnPath(c.QueryParam("return")))
}

// showSignIn renders the sign-in page, which returns to back.
func (w *Web) showSignIn(c echo.Context, status int, why, back string) error {
	_, err := auth.Of(c)
	view := signInView{Reason: why, Return: back, URL: w.signInURL(back), SignedIn: err == nil}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request().Context()), 5*time.Second)
	defer cancel()
	people, err := w.Auth.DevUsers(ctx, c)
	if err != nil {
		return err
	}
	if view.Accounts, err = w.groupByAccount(ctx, people, back); err != nil {
		return err
	}
	return w.render(c, status, "sign_in", "Sign in", view)
}

// signInURL is the host application's sign-in page, which sends people back.
func (w *Web) signInURL(back string) string {
	at, err := url.Parse(w.SignInURL)
	if err != nil || w.SignInURL == "" {
		return ""
	}
	query := at.Query()
	query.Set("return", string(w.Site)+back)
	at.RawQuery = query.Encode()
	return at.String()
}

// groupByAccount groups users by account, in their order.
func (w *Web) groupByAccount(ctx context.Context, people []schema.Person, back string) ([]signInAccount, error) {
	var list []signInAccount
	for _, p := range people {
		if n := len(list); n == 0 || list[n-1].Account.ID != p.Account {
			account, err := w.Directory.Account(ctx, p.Account)
			if err != nil {
				return nil, err
			}
			list = append(list, signInAccount{Account: account})
		}
		query := url.Values{"user": {p.ID}, "return": {back}}
		last := &list[len(list)-1]
		last.People = append(last.People, signInPerson{p, w.base + "/dev/sign-in?" + query.Encode()})
	}
	return list, nil
}

// returnPath is the path to return to after signing in: the requested page or, since a form
// cannot be sent again, the page that holds the form.
func (w *Web) returnPath(r *http.Request) string {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return w.Auth.ReturnPath(r.URL.RequestURI())
	}
	for _, page := range []string{dataExport, bulkExport} {
		if strings.HasPrefix(r.URL.Path, page+"/") {
			return page
		}
	}
	return w.Auth.ReturnPath(r.URL.Path)
}
