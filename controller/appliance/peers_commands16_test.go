package appliance

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/lorenzodonini/ocpp-go/ocpp"
	ocpp16 "github.com/lorenzodonini/ocpp-go/ocpp1.6"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/core"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/firmware"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/localauth"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/remotetrigger"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/reservation"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/smartcharging"
	"github.com/lorenzodonini/ocpp-go/ocpp1.6/types"
)

func (c cloud) OnDiagnosticsStatusNotification(_ string, r *firmware.DiagnosticsStatusNotificationRequest) (*firmware.DiagnosticsStatusNotificationConfirmation, error) {
	c.write("diagnostics %s", r.Status)
	return firmware.NewDiagnosticsStatusNotificationConfirmation(), nil
}

func (c cloud) OnFirmwareStatusNotification(_ string, r *firmware.FirmwareStatusNotificationRequest) (*firmware.FirmwareStatusNotificationConfirmation, error) {
	c.write("firmware %s", r.Status)
	return firmware.NewFirmwareStatusNotificationConfirmation(), nil
}

// commandsBy16 has the central system say what it can to the box, and looks whether it
// understands each answer.
func commandsBy16(t *testing.T, cs ocpp16.CentralSystem) {
	t.Helper()
	profile := types.NewChargingProfile(9, 0, types.ChargingProfilePurposeTxDefaultProfile, types.ChargingProfileKindRelative,
		types.NewChargingSchedule(types.ChargingRateUnitAmperes, types.NewChargingSchedulePeriod(0, 16)))
	in := types.NewDateTime(time.Now().Add(time.Hour))
	for _, c := range []struct {
		request ocpp.Request
		want    string
	}{
		{core.NewGetConfigurationRequest([]string{"NumberOfConnectors"}), ""},
		{core.NewChangeConfigurationRequest("HeartbeatInterval", "600"), "Accepted"},
		{core.NewChangeAvailabilityRequest(1, core.AvailabilityTypeInoperative), "Accepted"},
		{core.NewChangeAvailabilityRequest(1, core.AvailabilityTypeOperative), "Accepted"},
		{core.NewClearCacheRequest(), "Accepted"},
		{core.NewDataTransferRequest("org.example"), "UnknownVendorId"},
		{core.NewUnlockConnectorRequest(1), "Unlocked"},
		{core.NewRemoteStopTransactionRequest(4242), "Rejected"},
		{smartcharging.NewSetChargingProfileRequest(1, profile), "Accepted"},
		{smartcharging.NewGetCompositeScheduleRequest(1, 60), "Accepted"},
		{smartcharging.NewClearChargingProfileRequest(), "Accepted"},
		{remotetrigger.NewTriggerMessageRequest(core.HeartbeatFeatureName), "Accepted"},
		{localauth.NewGetLocalListVersionRequest(), ""},
		// What the box does not do for a cloud it says so that the cloud understands.
		{localauth.NewSendLocalListRequest(1, localauth.UpdateTypeFull), "NotSupported"},
		{reservation.NewReserveNowRequest(1, in, "TAG1", 7), "NotSupported"},
		{reservation.NewCancelReservationRequest(7), "NotSupported"},
		{firmware.NewGetDiagnosticsRequest("ftp://cloud.example/diagnostics"), "NotSupported"},
		{firmware.NewUpdateFirmwareRequest("https://cloud.example/firmware", in), "NotSupported"},
	} {
		request := c.request
		said := make(chan string, 1)
		err := cs.SendRequestAsync("SITE1", request, func(answer ocpp.Response, err error) {
			said <- status16(answer, err)
		})
		if err != nil {
			t.Errorf("%s: %v", request.GetFeatureName(), err)
			continue
		}
		select {
		case what := <-said:
			if what != c.want {
				t.Errorf("%s: %s, want %s", request.GetFeatureName(), what, c.want)
			}
		case <-time.After(20 * time.Second):
			t.Errorf("%s: no answer", request.GetFeatureName())
		}
	}
}

// status16 is the status of an answer, "" if it has none, or the code of an error.
func status16(answer ocpp.Response, err error) string {
	if refused, ok := errors.AsType[*ocpp.Error](err); ok {
		return string(refused.Code)
	}
	if err != nil {
		return err.Error()
	}
	if f := reflect.ValueOf(answer).Elem().FieldByName("Status"); f.IsValid() {
		return f.String()
	}
	return ""
}
