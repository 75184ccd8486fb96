package schema

// Codes of errors. A code is stable: client programs branch on it, and the API of
// account exports returns it. The comment says when a caller gets it, or that no
// HTTP response contains it.
const (
	// Requests and links.

	// CodeInvalidRequest means that the request could not be parsed.
	CodeInvalidRequest = "invalid_request"
	// CodeInvalidBody means that the body has the wrong content type or shape.
	CodeInvalidBody = "invalid_body"
	// CodeInvalidBefore means that before is not a cursor that a list returned.
	CodeInvalidBefore = "invalid_before"
	// CodeInvalidIdempotencyKey means that an Idempotency-Key is repeated, too long, or not printable ASCII.
	CodeInvalidIdempotencyKey = "invalid_idempotency_key"
	// CodeInvalidType means that a form was sent without a resource type.
	CodeInvalidType = "invalid_type"
	// CodeInvalidUser means that the development sign-in was called without a user.
	CodeInvalidUser = "user"
	// CodeNotFound means that there is no such export, link or address, or not for this caller.
	CodeNotFound = "not_found"
	// CodeMethodNotAllowed means that the address exists and does not support the method.
	CodeMethodNotAllowed = "method_not_allowed"
	// CodeNotAcceptable means that Accept-Encoding refuses both forms of the file.
	CodeNotAcceptable = "not_acceptable"
	// CodePreconditionFailed means that the file is not the version that If-Match names.
	CodePreconditionFailed = "precondition_failed"
	// CodeTooLarge means that the body is larger than the route allows.
	CodeTooLarge = "too_large"
	// CodeUnsupportedMediaType means that the body's content type is not supported.
	CodeUnsupportedMediaType = "unsupported_media_type"
	// CodeRangeNotSatisfiable means that the requested range begins after the end of the file.
	CodeRangeNotSatisfiable = "range_not_satisfiable"
	// CodeCrossOrigin means that a page of another origin sent the request.
	CodeCrossOrigin = "cross_origin"
	// CodeNotOver means that an account or person cannot be erased yet; only the command has it.
	CodeNotOver = "not_over"
	// CodeInternal means that the request failed with an unexpected error; the log has its text.
	CodeInternal = "internal"

	// Authentication and authorization.

	// CodeUnauthenticated means that the request carries no valid credentials.
	CodeUnauthenticated = "unauthenticated"
	// CodeTokenExpired means that the bearer token has expired.
	CodeTokenExpired = "token_expired"
	// CodeTooManyFailures means that the credentials are wrong, and too many wrong ones came from this address.
	CodeTooManyFailures = "too_many_failures"
	// CodeRole means that only an owner or admin of the account may do this.
	CodeRole = "role"
	// CodeAccountSuspended means that the account is suspended.
	CodeAccountSuspended = "account_suspended"
	// CodePersonNeeded means that the request must be made by a signed-in person, not with an account's or API key's secret.
	CodePersonNeeded = "person_needed"
	// CodeOtherAccount means that a link belongs to another account than the one that is signed in.
	CodeOtherAccount = "other_account"
	// CodeLinkExpired means that the signed link to a day file has expired.
	CodeLinkExpired = "link_expired"
	// CodeLinkAltered means that the signature of a link to a day file is wrong.
	CodeLinkAltered = "link_altered"

	// The platform's directory.

	// CodeAccountNotFound means that the directory has no such account.
	CodeAccountNotFound = "account_not_found"
	// CodeUserNotFound means that the directory has no such user.
	CodeUserNotFound = "user_not_found"
	// CodeCredentialNotFound means that the directory has no such account or API key. No response shows it.
	CodeCredentialNotFound = "credential_not_found" //nolint:gosec // an error code
	// CodeNoSigningKey means that the account has no auth token to sign webhooks with.
	CodeNoSigningKey = "no_signing_key"
	// CodeNotSeen means that the source database does not show an account or its people yet. Activities retry it; no response shows it.
	CodeNotSeen = "not_seen"
	// CodeUnreadable means that records of the platform cannot be read, however often it is tried. No response shows it.
	CodeUnreadable = "unreadable"
	// CodeSourceStalled means that the platform's database has sent nothing for too long. Activities retry it; no response shows it.
	CodeSourceStalled = "source_stalled"

	// Account exports.

	// CodeExportActive means that the account has an export that has not ended.
	CodeExportActive = "export_active"
	// CodeCooldown means that the account's last export was completed less than the cooldown ago.
	CodeCooldown = "cooldown"
	// CodeSuperseded means that the account has a younger export than the one to be opened. No response shows it.
	CodeSuperseded = "superseded"
	// CodeClosing means that the account's last export has ended and its workflow is about to close.
	CodeClosing = "closing"
	// CodeNotPending means that the export does not wait for its confirmation.
	CodeNotPending = "not_pending"
	// CodeLapsed means that the export was not confirmed in time.
	CodeLapsed = "lapsed"
	// CodeCancelled means that the export was cancelled.
	CodeCancelled = "cancelled"
	// CodeAlreadyEnded means that the export has ended.
	CodeAlreadyEnded = "already_ended"
	// CodeAlreadyCompleted means that the export is completed, so it can be deleted but not cancelled.
	CodeAlreadyCompleted = "already_completed"
	// CodeNotCompleted means that the export is not completed, so it has no file to delete.
	CodeNotCompleted = "not_completed"
	// CodeInterrupted means that the export's workflow was lost; the sweep will remove what it stored.
	CodeInterrupted = "interrupted"
	// CodeTooEarly means that a download window is still open by the database's clock. No response shows it.
	CodeTooEarly = "too_early"
	// CodeNotReady means that the export is not completed, so there is no file to download yet.
	CodeNotReady = "not_ready"
	// CodeGone means that the export's file has been deleted.
	CodeGone = "gone"
	// CodeNotProcessing means that the export accepts no pieces and no archive. No response shows it.
	CodeNotProcessing = "not_processing"
	// CodeNotCollected means that a category has not been read to its end. No response shows it.
	CodeNotCollected = "not_collected"
	// CodeEmailRefused means that the e-mail provider rejected an e-mail for good. No response shows it.
	CodeEmailRefused = "email_refused"

	// Bulk exports.

	// CodeQuota means that the job requests more days than the quota has left today.
	CodeQuota = "quota"
	// CodeTooLate means that the caller's deadline passed before the change was made, and that it never will be.
	CodeTooLate = "too_late"
	// CodeJobNotFound means that the account has no such job.
	CodeJobNotFound = "job_not_found"
	// CodeJobEnded means that the job has ended, so it cannot be deleted.
	CodeJobEnded = "job_ended"
	// CodeJobInterrupted means that the job's workflow was lost; the sweep will end the job.
	CodeJobInterrupted = "job_interrupted"
	// CodeDayFileNotFound means that the account has no such day file.
	CodeDayFileNotFound = "day_file_not_found"
	// CodeResourceTypeNotFound means that the address names no resource type.
	CodeResourceTypeNotFound = "resource_type_not_found"
	// CodeEventNotFound means that the account has no such webhook event.
	CodeEventNotFound = "event_not_found"
	// CodeBulkOff means that there are no bulk exports here: they are switched off, or the catalog has no queries for them. No response shows it.
	CodeBulkOff = "bulk_off"
	// CodeDayNotWhole means that the source database may not have all records of a day yet. The day waits; no response shows it.
	CodeDayNotWhole = "day_not_whole"
	// CodeHalfWebhook means that a change would leave a webhook's URL without a method, or the other way round.
	CodeHalfWebhook = "half_webhook"
	// CodeWebhookRefused means that a webhook's URL is not allowed.
	CodeWebhookRefused = "webhook_refused"
	// CodeWebhookRefusing means that the receiver answered a webhook with an error. No response shows it.
	CodeWebhookRefusing = "webhook_refusing"
	// CodeWebhookUnanswered means that a webhook was interrupted before the receiver answered. No response shows it.
	CodeWebhookUnanswered = "webhook_unanswered"
	// CodeWebhookWaiting means that as many webhooks of the account are being delivered as may be at once. No response shows it.
	CodeWebhookWaiting = "webhook_waiting"
	// CodeWebhookGivenUp means that the event is not retried any more. No response shows it.
	CodeWebhookGivenUp = "webhook_given_up"
	// CodeNoArchive means that no archive of old calls is configured, so no call can be erased.
	CodeNoArchive = "no_archive"
	// CodeCallNotFound means that the account has no such call.
	CodeCallNotFound = "call_not_found"
	// CodeCallOfAnotherDay means that the call was made on another UTC day than the address names.
	CodeCallOfAnotherDay = "call_of_another_day"

	// Limits and outages.

	// CodeTooManyRequests means that the caller has exceeded its request rate.
	CodeTooManyRequests = "too_many_requests"
	// CodeTooManyEmails means that the confirmation e-mail was requested too often.
	CodeTooManyEmails = "too_many_mails"
	// CodeTooManyStreams means that the caller follows too many exports at once.
	CodeTooManyStreams = "too_many_streams"
	// CodeTooManyDownloads means that too many downloads of this file, of this account or of all are under way, or too many of its parts are requested.
	CodeTooManyDownloads = "too_many_downloads"
	// CodeTooManyExports means that the account has requested too many exports within an hour.
	CodeTooManyExports = "too_many_exports"
	// CodeTooManyResends means that a webhook event was resent too often, or too many events of the account.
	CodeTooManyResends = "too_many_resends"
	// CodeTooManyJobs means that too many jobs of the account are being created at once.
	CodeTooManyJobs = "too_many_jobs"
	// CodeTooManyErasures means that too many calls of the account are being erased at once.
	CodeTooManyErasures = "too_many_erasures"
	// CodeBusy means that the request could not be handled in time.
	CodeBusy = "busy"
	// CodeUnavailable means that something the request needs did not answer.
	CodeUnavailable = "unavailable"
	// CodeDatabaseUnavailable means that a database does not answer.
	CodeDatabaseUnavailable = "database_unavailable"
	// CodeStorageUnavailable means that object storage does not answer.
	CodeStorageUnavailable = "storage_unavailable"
	// CodeTemporalUnavailable means that Temporal does not answer.
	CodeTemporalUnavailable = "temporal_unavailable"
	// CodeSignInUnavailable means that the identity provider's keys cannot be fetched.
	CodeSignInUnavailable = "sign_in_unavailable"
	// CodeSchemaUnavailable means that the server's database role may not describe the catalog's columns.
	CodeSchemaUnavailable = "schema_unavailable"
)

// CodeInvalid is the code of a parameter of the bulk API that is missing or
// not valid.
func CodeInvalid(parameter string) string { return "invalid_" + parameter }
