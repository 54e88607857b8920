<#assign Json = statics['com.amplitude.integrations.connector.utils.FtlUtils']>
{
  "events": [
    {
      <#if mappedFields.user_alias??>
      "user_alias": {
        "alias_name": ${Json.toJsonString(mappedFields.user_alias)},
        "alias_label": ${Json.toJsonString(parameters.alias_label!'')}
      },
      <#elseif mappedFields.braze_id??>
      "braze_id": ${Json.toJsonString(mappedFields.braze_id)},
      <#elseif mappedFields.email??>
      "email": ${Json.toJsonString(mappedFields.email)},
      <#else>
      "external_id": ${Json.toJsonString(mappedFields.external_id!'')},
      </#if>
      <#if (parameters.app_id!'')?has_content>
      "app_id": ${Json.toJsonString(parameters.app_id)},
      </#if>
      "name": ${Json.toJsonString(input.event_type!'')},
      <#-- Times are UTC: "2024-01-31 20:15:00.123456" becomes "2024-01-31T20:15:00.123456Z". -->
      <#if input.event_time??>
      "time": ${Json.toJsonString(input.event_time?string?replace(' ', 'T') + 'Z')},
      <#else>
      "time": ${Json.toJsonString(.now?iso_utc)},
      </#if>
      "_update_existing_only": ${parameters.update_only?c},
      "properties": ${Json.toJson(mappedProperties)}
    }
  ]
}
