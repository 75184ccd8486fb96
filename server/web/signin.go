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

// signInView is the page where people sign in, or are shown where to.
type signInView struct {
	Why      string // a sentence, or "" for whoever came by themselves
	Return   string // where to go on
	Address  string // of the host application's own page, with where to return to
	Accounts []signInAccount
	SignedIn bool
}

// signInAccount is an account of development with the people in it.
type signInAccount struct {
	Account schema.Account
	People  []signInPerson
}

type signInPerson struct {
	schema.Person
	Address string
}

// signIn answers GET /sign-in.
func (w *Web) signIn(c echo.Context) error {
	return w.showSignIn(c, http.StatusOK, "", w.Auth.ReturnPath(c.QueryParam("return")))
}

// showSignIn asks whoever it is to sign in and come back.
func (w *Web) showSignIn(c echo.Context, status int, why, back string) error {
	_, err := auth.Of(c)
	view := signInView{Why: why, Return: back, Address: w.signInAddress(back), SignedIn: err == nil}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request().Context()), 5*time.Second)
	defer cancel()
	people, err := w.Auth.DevUsers(ctx, c)
	if err != nil {
		return err
	}
	if view.Accounts, err = w.byAccount(ctx, people, back); err != nil {
		return err
	}
	return w.show(c, status, "sign_in", "Sign in", view)
}

// signInAddress leads to the host application, which sends people back.
func (w *Web) signInAddress(back string) string {
	at, err := url.Parse(w.SignInURL)
	if err != nil || w.SignInURL == "" {
		return ""
	}
	query := at.Query()
	query.Set("return", string(w.Site)+back)
	at.RawQuery = query.Encode()
	return at.String()
}

// byAccount puts people into their accounts, in the order they came.
func (w *Web) byAccount(ctx context.Context, people []schema.Person, back string) ([]signInAccount, error) {
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

// returnPath is where a request that needs a sign-in goes on afterwards: where
// it came, or, since a form cannot be sent again, the page it stands on.
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
