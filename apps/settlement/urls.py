from django.urls import path

from apps.settlement import views, views_fees, views_money, views_papers

app_name = "settlement"
urlpatterns = [
    path("earnings/", views.earnings, name="earnings"),
    path("earnings/<uuid:ref>/", views.statement, name="statement"),
    path("earnings/<uuid:ref>.csv", views.statement_csv, name="csv"),
    path("earnings/<uuid:ref>.pdf", views_papers.statement_pdf, name="pdf"),
    path("earnings/plan/<str:currency>/", views_money.plan, name="plan"),
    path("earnings/now/<str:currency>/", views_money.pay, name="pay"),
    path("earnings/invoices/", views_papers.invoices, name="invoices"),
    path("invoices/<uuid:ref>/", views_papers.invoice, name="invoice"),
    path("invoices/<uuid:ref>.pdf", views_papers.invoice_pdf, name="invoice-pdf"),
    path("orders/<uuid:ref>/invoice/", views_papers.order_invoice, name="order-invoice"),
    path("cases/<uuid:ref>/fee/", views_fees.fee, name="fee"),
]
