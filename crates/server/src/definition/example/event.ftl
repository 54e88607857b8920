<#assign Json = statics['com.amplitude.integrations.connector.utils.FtlUtils']>
{
  "external_id": ${Json.toJson(mappedFields.external_id)},
  "name": ${Json.toJson(input.event_type)},
  "time": ${Json.toJson(input.event_time!"")},
  "properties": ${Json.toJson(mappedProperties)}
}
