package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"satchel/schema"
	"satchel/server/auth"
)

// requestExport answers POST /v1/account/exports.
func (a *API) requestExport(c echo.Context) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	keys := c.Request().Header.Values("Idempotency-Key")
	if len(keys) > 1 {
		return schema.Errorf(schema.Invalid, schema.CodeInvalidIdempotencyKey, "Send only one Idempotency-Key.")
	}
	e, err := a.Request(c.Request().Context(), p, first(keys))
	if err != nil {
		return err
	}
	return a.accepted(c, e)
}

// listExports answers GET /v1/account/exports.
func (a *API) listExports(c echo.Context) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	list, err := a.page(c.Request().Context(), p, c.QueryParam("before"))
	if err != nil {
		return err
	}
	v := exportsView{Exports: make([]ExportView, 0, len(list))}
	for _, e := range list {
		v.Exports = append(v.Exports, a.View(e))
	}
	if len(list) >= pageSize {
		v.Next = list[len(list)-1].ID
	}
	return c.JSON(http.StatusOK, v)
}

// showExport answers GET /v1/account/exports/{id}.
func (a *API) showExport(c echo.Context) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	e, err := a.Get(c.Request().Context(), p, c.Param("id"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, a.View(e))
}

// resendConfirmation answers POST /v1/account/exports/{id}/confirmation.
func (a *API) resendConfirmation(c echo.Context) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	e, err := a.ResendConfirmation(c.Request().Context(), p, c.Param("id"))
	if err != nil {
		return err
	}
	return a.accepted(c, e)
}

// cancelExport answers POST /v1/account/exports/{id}/cancel.
func (a *API) cancelExport(c echo.Context) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	e, err := a.Cancel(c.Request().Context(), p, c.Param("id"))
	if err != nil {
		return err
	}
	return a.accepted(c, e)
}

// deleteExport answers DELETE /v1/account/exports/{id}.
func (a *API) deleteExport(c echo.Context) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	e, err := a.Delete(c.Request().Context(), p, c.Param("id"))
	if err != nil {
		return err
	}
	return a.accepted(c, e)
}

// downloadArchive answers GET and HEAD /v1/account/exports/{id}/archive.
func (a *API) downloadArchive(c echo.Context) error {
	p, err := auth.Of(c)
	if err != nil {
		return err
	}
	return a.ServeArchive(c, p, c.Param("id"))
}

// accepted answers 202 with the export as it is now, and its Location.
func (a *API) accepted(c echo.Context, e schema.Export) error {
	c.Response().Header().Set(echo.HeaderLocation, a.location(e.ID))
	return c.JSON(http.StatusAccepted, a.View(e))
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}
