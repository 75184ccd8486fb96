package schema

// SetupError is a mistake in how the programs were set up. Message says what is
// wrong and what to do, with the name of the setting. It holds no secret, no address
// and no text of a driver, so that /readyz can show it.
type SetupError struct {
	Message string
	Cause   error // for the log
}

func (e *SetupError) Error() string {
	if e.Cause != nil {
		return e.Message + ": " + e.Cause.Error()
	}
	return e.Message
}

func (e *SetupError) Unwrap() error { return e.Cause }

// SafeMessage returns the sentence without its cause.
func (e *SetupError) SafeMessage() string { return e.Message }
