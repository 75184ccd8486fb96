package vault

import (
	"net/http"
	"strings"
)

// refusalOf returns a sentence for an answer of S3 or KMS that stays the same until an
// operator changes something, with the setting to look at; "" for any other answer. It
// repeats nothing of the answer or the request.
func refusalOf(op, code string, status int) string {
	switch code {
	case "NoSuchBucket":
		return "The bucket that S3_BUCKET names does not exist at S3_ENDPOINT."
	case "InvalidAccessKeyId", "InvalidToken", "ExpiredToken", "UnrecognizedClientException", "ExpiredTokenException", "XAdminUserNotFound":
		return "The credentials in AWS_ACCESS_KEY_ID are not known: are they of this server, and still valid?"
	case "SignatureDoesNotMatch", "InvalidSignatureException":
		return "The secret in AWS_SECRET_ACCESS_KEY does not belong to AWS_ACCESS_KEY_ID."
	case "AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException":
		return "The bucket is in another region, or at another address, than AWS_REGION and S3_ENDPOINT say."
	case "RequestTimeTooSkewed":
		return "The clock of this machine differs too much from that of the S3 server."
	case "AccessDeniedException":
		return "The credentials in AWS_ACCESS_KEY_ID may not use the key that KMS_KEY_URI names."
	case "NotFoundException", "DisabledException", "KMSInvalidStateException":
		return "The key that KMS_KEY_URI names does not exist, or is disabled."
	case "NotImplemented":
		return notImplemented(op)
	}
	switch {
	case strings.HasSuffix(code, "Exception"): // of KMS
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return "S3 denies this program to " + op + ": does the policy of the bucket that S3_BUCKET names allow it to the credentials in AWS_ACCESS_KEY_ID?"
	case status == http.StatusNotImplemented:
		return notImplemented(op)
	}
	return ""
}

func notImplemented(op string) string {
	return "The S3 server at S3_ENDPOINT does not implement what is needed to " + op + ": among other things, it must store an object only where there is none (If-None-Match: *)."
}

// Refusal returns a sentence that says why the service will refuse the request again,
// and which setting to look at; "" if another attempt may succeed.
func (e *callError) Refusal() string { return e.refusal }
